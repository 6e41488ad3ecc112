// What a browser needs for Web Push without the Internet, for tests: a page that
// subscribes, its service worker, the push service that the browser keeps a
// connection with, and the endpoint that messages are posted to (RFC 8030). It
// listens on 127.0.0.1, prints one JSON object a line on stdout, and ends with
// its stdin:
//
//   {"ready":true,"port":40123}
//   {"kind":"waiting"}                 every five seconds until a browser subscribed
//   {"kind":"subscribed","body":{"endpoint":"http://localhost:40123/push/...","keys":{...}}}
//   {"kind":"posted","status":201,"ttl":"60","topic":"...","urgency":"high","encoding":"aes128gcm","length":4096}
//   {"kind":"shown","body":{...}}      what the worker told
//   {"kind":"failed","body":"..."}     what the page could not do
//
// The browser's connection is the autopush protocol over WebSocket: hello,
// register, notification, ack.
//
//   node push-browser.js --pages DIR [--port N]
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { parseArgs } = require('util');
const { WebSocketServer } = require('ws');

const { values: opt } = parseArgs({ options: { port: { type: 'string', default: '0' }, pages: { type: 'string' } } });
const files = { '/': ['page.html', 'text/html; charset=utf-8'], '/worker.js': ['worker.js', 'text/javascript; charset=utf-8'] };
const subscribed = new Set(); // channels of the one browser
let browser = null;
const waiting = setInterval(() => say({ kind: 'waiting' }), 5000);

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function read(request, done) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => done(Buffer.concat(chunks)));
}

// post is a message for a browser.
function post(request, response, body) {
  const channelID = request.url.slice('/push/'.length);
  const status = subscribed.has(channelID) && browser ? 201 : 410;
  if (status === 201) {
    browser.send(JSON.stringify({
      messageType: 'notification', channelID, version: crypto.randomUUID(), data: body.toString('base64url'), headers: { encoding: request.headers['content-encoding'] },
    }));
    response.setHeader('Location', `http://localhost:${server.address().port}/message/${crypto.randomUUID()}`);
  }
  const { ttl, topic, urgency } = request.headers;
  say({ kind: 'posted', status, ttl, topic, urgency, encoding: request.headers['content-encoding'], length: body.length });
  response.writeHead(status).end();
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (request.method === 'GET' && files[pathname]) {
    const [name, type] = files[pathname];
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(fs.readFileSync(path.join(opt.pages, name)));
    return;
  }
  read(request, (body) => {
    if (request.method === 'POST' && pathname.startsWith('/push/')) {
      post(request, response, body);
    } else if (request.method === 'POST' && ['/subscribed', '/shown', '/failed'].includes(pathname)) {
      clearInterval(waiting);
      say({ kind: pathname.slice(1), body: JSON.parse(body) });
      response.writeHead(204).end();
    } else {
      response.writeHead(404).end();
    }
  });
});

const sockets = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0] });
sockets.on('connection', (socket) => {
  socket.on('message', (text) => {
    const message = JSON.parse(text);
    const reply = (line) => socket.send(JSON.stringify(line));
    switch (message.messageType) {
      case 'hello':
        browser = socket;
        // At once it is lost on this browser.
        setTimeout(() => reply({ messageType: 'hello', uaid: crypto.randomBytes(16).toString('hex'), status: 200, use_webpush: true, broadcasts: {} }), 300);
        break;
      case 'register':
        subscribed.add(message.channelID);
        reply({ messageType: 'register', status: 200, channelID: message.channelID, pushEndpoint: `http://localhost:${server.address().port}/push/${message.channelID}` });
        break;
      case 'unregister':
        subscribed.delete(message.channelID);
        reply({ messageType: 'unregister', status: 200, channelID: message.channelID });
        break;
      case undefined:
        reply({}); // a ping
        break;
    }
  });
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
server.listen(Number(opt.port), '127.0.0.1', () => say({ ready: true, port: server.address().port }));

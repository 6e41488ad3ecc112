// A Bot API server for tests: the npm package telegram-test-api keeps what a
// bot posts. It reads JSON only and knows no pictures, pins or chats, so a small
// server stands before it, which reads forms with Node's own parser, and hands
// them on as JSON. It listens on 127.0.0.1, prints one JSON object a line on
// stdout, and ends with its stdin:
//
//   {"ready":true,"port":40123}
//   {"method":"sendMessage","fields":{...},"files":{"photo":2048}}
//
//   node telegram.js --token 123456789:AAF... [--port N]
//
// A line on its stdin asks for what is kept: {"history":[{"id":1,"chat":"-100...","text":"..."}]}
'use strict';

const http = require('http');
const net = require('net');
const readline = require('readline');
const { parseArgs } = require('util');
const TelegramServer = require('telegram-test-api');

const { values: opt } = parseArgs({ options: { port: { type: 'string', default: '0' }, token: { type: 'string' } } });

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

// freePort asks the system for a port, since the package takes 0 for its default.
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const type = request.headers['content-type'] || '';
  const fields = {};
  const files = {};
  if (type.startsWith('multipart/form-data')) {
    for (const [name, value] of await new Response(body, { headers: { 'content-type': type } }).formData()) {
      if (typeof value === 'string') fields[name] = value;
      else files[name] = value.size;
    }
  } else if (body.length > 0) {
    Object.assign(fields, JSON.parse(body.toString('utf8')));
  }
  return { fields, files };
}

async function main() {
  const inside = await freePort();
  const bots = new TelegramServer({ port: inside, host: '127.0.0.1', storage: 'RAM', storeTimeout: 600 });
  await bots.start();

  const server = http.createServer(async (request, response) => {
    try {
      const { fields, files } = await read(request);
      say({ method: request.url.split('/').pop(), fields, files });
      const answer = await fetch(`http://127.0.0.1:${inside}${request.url}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields),
      });
      response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') || 'text/plain' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    } catch (error) {
      response.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error));
    }
  });

  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', () => say({
    history: bots.getUpdatesHistory(opt.token).map((one) => ({ id: one.messageId, chat: String(one.message.chat_id), text: one.message.text })),
  }));
  lines.on('close', () => process.exit(0));
  server.listen(Number(opt.port), '127.0.0.1', () => say({ ready: true, port: server.address().port }));
}

main();

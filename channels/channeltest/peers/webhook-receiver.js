// A receiver of signed webhooks for tests: the npm package standardwebhooks
// judges each POST. It listens on 127.0.0.1, prints one JSON object a line on
// stdout, and ends with its stdin:
//
//   {"ready":true,"port":40123}
//   {"id":"msg_...","verified":true,"body":{...}}
//   {"id":"msg_...","verified":false,"error":"No matching signature found"}
//
// It answers 204, or 400 with the error's text.
//
//   node webhook-receiver.js --secret whsec_... [--port N]
'use strict';

const http = require('http');
const { parseArgs } = require('util');
const { Webhook } = require('standardwebhooks');

const { values: opt } = parseArgs({ options: { port: { type: 'string', default: '0' }, secret: { type: 'string' } } });
const webhook = new Webhook(opt.secret);

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const id = request.headers['webhook-id'];
    try {
      const body = webhook.verify(Buffer.concat(chunks).toString('utf8'), request.headers);
      say({ id, verified: true, body });
      response.writeHead(204).end();
    } catch (error) {
      say({ id, verified: false, error: error.message });
      response.writeHead(400, { 'Content-Type': 'text/plain' }).end(error.message);
    }
  });
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
server.listen(Number(opt.port), '127.0.0.1', () => say({ ready: true, port: server.address().port }));

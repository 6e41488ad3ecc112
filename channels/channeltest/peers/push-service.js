// A push service for tests: the npm package web-push-testing, which decrypts
// what it is sent (RFC 8291) and verifies the sender's signature (RFC 8292). It
// listens on 127.0.0.1, prints one JSON object a line on stdout, and ends with
// its stdin:
//
//   {"ready":true,"port":40123}
//   {"hash":"3f...","status":201,"ttl":"60","topic":"01K...","urgency":"high","length":4096}
//
// POST /subscribe {"userVisibleOnly":"true","applicationServerKey":"..."} gives
// {"data":{"endpoint","keys":{"p256dh","auth"},"clientHash"}}; POST
// /expire-subscription/HASH; POST /get-notifications {"clientHash"} gives
// {"data":{"messages":[...]}}.
//
//   node push-service.js [--port N]
'use strict';

const { parseArgs } = require('util');
const { PushApiModel } = require('web-push-testing/src/PushApiModel.js');
const Server = require('web-push-testing/src/server.js');

const { values: opt } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

const model = new PushApiModel();
const service = new Server(model, 0);
service._app.use((request, response, next) => {
  const [, path, hash] = request.path.split('/');
  if (path === 'notify') {
    response.on('finish', () => say({
      hash, status: response.statusCode, ttl: request.get('TTL'), topic: request.get('Topic'), urgency: request.get('Urgency'), length: request.body.length,
    }));
  }
  next();
});
service.setRequestHandlers();

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
// Its own startServer would listen on every interface.
const listening = service._app.listen(Number(opt.port), '127.0.0.1', () => {
  model.notifyUrl = `http://127.0.0.1:${listening.address().port}/notify/`;
  say({ ready: true, port: listening.address().port });
});

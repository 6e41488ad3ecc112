// The npm package oauth-1.0a as a judge of signatures (RFC 5849): for each JSON
// object on a line of stdin
//
//   {"method":"GET","url":"http://...","authorization":"OAuth oauth_consumer_key=...",
//    "consumerSecret":"...","tokenSecret":"..."}
//
// it prints {"verified":true,"consumerKey":"...","token":"..."} or
// {"verified":false,"error":"..."}. A nonce is believed once, a time for five
// minutes.
'use strict';

const crypto = require('crypto');
const readline = require('readline');
const OAuth = require('oauth-1.0a');

const seen = new Set();

function parameters(header) {
  if (!header.startsWith('OAuth ')) throw new Error('no OAuth header');
  const found = {};
  for (const part of header.slice('OAuth '.length).split(',')) {
    const match = /^\s*([A-Za-z_]+)="([^"]*)"\s*$/.exec(part);
    if (!match) throw new Error('a parameter that cannot be read: ' + part);
    if (match[1] in found) throw new Error('twice: ' + match[1]);
    found[match[1]] = decodeURIComponent(match[2]);
  }
  return found;
}

function judge({ method, url, authorization, consumerSecret, tokenSecret }) {
  const { oauth_signature: signature, ...data } = parameters(authorization);
  if (data.oauth_version !== '1.0') throw new Error('version ' + data.oauth_version);
  if (data.oauth_signature_method !== 'HMAC-SHA1') throw new Error('method ' + data.oauth_signature_method);
  if (!/^[0-9]+$/.test(data.oauth_timestamp) || Math.abs(Date.now() / 1000 - Number(data.oauth_timestamp)) > 300) throw new Error('time ' + data.oauth_timestamp);
  const once = data.oauth_timestamp + ' ' + data.oauth_nonce;
  if (!data.oauth_nonce || seen.has(once)) throw new Error('nonce ' + data.oauth_nonce);
  seen.add(once);
  const oauth = new OAuth({
    consumer: { key: data.oauth_consumer_key, secret: consumerSecret },
    signature_method: 'HMAC-SHA1',
    hash_function: (base, key) => crypto.createHmac('sha1', key).update(base).digest('base64'),
  });
  const want = oauth.getSignature({ url, method, data: {} }, tokenSecret, data);
  if (signature !== want) throw new Error('the signature is ' + signature + ', not ' + want);
  return { verified: true, consumerKey: data.oauth_consumer_key, token: data.oauth_token };
}

console.log(JSON.stringify({ ready: true, port: 0 }));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  try {
    console.log(JSON.stringify(judge(JSON.parse(line))));
  } catch (error) {
    console.log(JSON.stringify({ verified: false, error: error.message }));
  }
});

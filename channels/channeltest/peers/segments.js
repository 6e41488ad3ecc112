// The npm package sms-segments-calculator as an oracle: for each JSON string
// on a line of stdin it prints {"encoding":"gsm7"|"ucs2","units":[153,119]}.
'use strict';

const readline = require('readline');
const { SegmentedMessage } = require('sms-segments-calculator');

console.log(JSON.stringify({ ready: true, port: 0 }));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const message = new SegmentedMessage(JSON.parse(line));
  const gsm = message.encodingName === 'GSM-7';
  console.log(JSON.stringify({
    encoding: gsm ? 'gsm7' : 'ucs2',
    units: message.segments.map((segment) => segment.messageSizeInBits() / (gsm ? 7 : 16)),
  }));
});

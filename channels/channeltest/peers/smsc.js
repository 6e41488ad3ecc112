// An SMSC for tests, on the codec of the npm package smpp. It listens on
// 127.0.0.1, prints one JSON object a line on stdout, and ends with its stdin:
//
//   {"ready":true,"port":40123}
//   {"bind":"transceiver","system_id":"gw","status":0}
//   {"submit":1,"seq":4,"src":"Comune","src_ton":5,"src_npi":0,"dst":"393330000001","dst_ton":1,"dst_npi":1,"dcs":0,
//    "esm_class":64,"udh":["0003070201"],"text":"...","user_message_reference":7,"registered_delivery":1,
//    "validity_period":"...","status":0,"id":"1001"}
//   {"receipt":"1001","status":0}        the answer to a deliver_sm of ours
//   {"mo":"SI 20","status":0}
//
// Destinations decide the answer: ...429 is throttled twice and then taken,
// ...000 is an invalid address, ...500 is a system error, ...404 is taken and
// its receipt says UNDELIV.
//
// A line on stdin {"mo":{"from":"39333...","to":"...","text":"SI 20"}} sends a
// citizen's message; "udh":"0500030702" and so on beside makes it a part of one.
//
// Switches:
//   --port N              default 0, any free one
//   --system-id, --password   what a bind must give; default gw, secret
//   --receipt HOW         normal (after 50 ms), late (after 1500 ms), double,
//                         early (before the answer to the submit), none
//   --receipt-form FORM   both, text (no TLV), tlv (no text)
//   --hex                 the answer gives the id in hexadecimal, the receipt in decimal
//   --silent              submits get no answer
//   --close-after N       the N-th submit closes the connection instead of an answer
'use strict';

const smpp = require('smpp');
const readline = require('readline');
const { parseArgs } = require('util');

const { values: opt } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'system-id': { type: 'string', default: 'gw' },
    password: { type: 'string', default: 'secret' },
    receipt: { type: 'string', default: 'normal' },
    'receipt-form': { type: 'string', default: 'both' },
    hex: { type: 'boolean', default: false },
    silent: { type: 'boolean', default: false },
    'close-after': { type: 'string', default: '0' },
  },
});
const closeAfter = Number(opt['close-after']);

let submits = 0;
let lastID = 1000;
const throttled = new Map();
const receivers = new Set();

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function stamp(date) {
  const two = (n) => String(n).padStart(2, '0');
  return two(date.getFullYear() % 100) + two(date.getMonth() + 1) + two(date.getDate()) + two(date.getHours()) + two(date.getMinutes());
}

function answerTo(destination) {
  if (destination.endsWith('429')) {
    const times = (throttled.get(destination) || 0) + 1;
    throttled.set(destination, times);
    return times <= 2 ? smpp.ESME_RTHROTTLED : smpp.ESME_ROK;
  }
  if (destination.endsWith('000')) return smpp.ESME_RINVDSTADR;
  if (destination.endsWith('500')) return smpp.ESME_RSYSERR;
  return smpp.ESME_ROK;
}

function deliver(session, pdu, line) {
  const to = receivers.has(session) ? session : [...receivers][0];
  if (!to) return;
  to.deliver_sm(pdu, (answer) => say({ ...line, status: answer.command_status }));
}

function sendReceipt(session, submit, id, text) {
  const failed = submit.destination_addr.endsWith('404');
  const now = stamp(new Date());
  const pdu = {
    esm_class: 4,
    source_addr_ton: submit.dest_addr_ton,
    source_addr_npi: submit.dest_addr_npi,
    source_addr: submit.destination_addr,
    dest_addr_ton: submit.source_addr_ton,
    dest_addr_npi: submit.source_addr_npi,
    destination_addr: submit.source_addr,
    short_message: '',
  };
  if (opt['receipt-form'] !== 'tlv') {
    pdu.short_message = `id:${id} sub:001 dlvrd:${failed ? '000' : '001'} submit date:${now} done date:${now}` +
      ` stat:${failed ? 'UNDELIV' : 'DELIVRD'} err:${failed ? '027' : '000'} text:${text.slice(0, 20)}`;
  }
  if (opt['receipt-form'] !== 'text') {
    pdu.receipted_message_id = String(id);
    pdu.message_state = failed ? 5 : 2;
  }
  deliver(session, pdu, { receipt: String(id) });
}

function onSubmit(session, pdu) {
  submits++;
  const body = pdu.short_message || {};
  const text = typeof body.message === 'string' ? body.message : Buffer.from(body.message || '').toString('latin1');
  const status = answerTo(pdu.destination_addr);
  const id = status === smpp.ESME_ROK ? ++lastID : 0;
  const shown = opt.hex ? id.toString(16) : String(id);
  say({
    submit: submits,
    seq: pdu.sequence_number,
    src: pdu.source_addr,
    src_ton: pdu.source_addr_ton,
    src_npi: pdu.source_addr_npi,
    dst: pdu.destination_addr,
    dst_ton: pdu.dest_addr_ton,
    dst_npi: pdu.dest_addr_npi,
    dcs: pdu.data_coding,
    esm_class: pdu.esm_class,
    udh: (body.udh || []).map((element) => element.toString('hex')),
    text,
    user_message_reference: pdu.user_message_reference,
    registered_delivery: pdu.registered_delivery,
    validity_period: pdu.validity_period || undefined,
    status,
    id: id ? shown : undefined,
  });
  if (closeAfter && submits === closeAfter) {
    session.destroy();
    return;
  }
  const wanted = id && (pdu.registered_delivery & 1) && opt.receipt !== 'none';
  if (wanted && opt.receipt === 'early') sendReceipt(session, pdu, id, text);
  if (!opt.silent) session.send(pdu.response(id ? { message_id: shown } : { command_status: status }));
  if (!wanted || opt.receipt === 'early') return;
  setTimeout(() => {
    sendReceipt(session, pdu, id, text);
    if (opt.receipt === 'double') sendReceipt(session, pdu, id, text);
  }, opt.receipt === 'late' ? 1500 : 50);
}

const server = smpp.createServer((session) => {
  let bound = false;
  for (const kind of ['transceiver', 'transmitter', 'receiver']) {
    session.on('bind_' + kind, (pdu) => {
      const status = pdu.system_id === opt['system-id'] && pdu.password === opt.password ? smpp.ESME_ROK : smpp.ESME_RINVPASWD;
      say({ bind: kind, system_id: pdu.system_id, status });
      if (status !== smpp.ESME_ROK) {
        session.send(pdu.response({ command_status: status }), () => session.close());
        return;
      }
      bound = true;
      if (kind !== 'transmitter') receivers.add(session);
      session.send(pdu.response({ system_id: 'SMSC' }));
    });
  }
  session.on('submit_sm', (pdu) => {
    if (!bound) {
      session.send(pdu.response({ command_status: smpp.ESME_RINVBNDSTS }));
      return;
    }
    onSubmit(session, pdu);
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('cancel_sm', (pdu) => session.send(pdu.response()));
  session.on('query_sm', (pdu) => session.send(pdu.response({ message_id: pdu.message_id, message_state: 2 })));
  session.on('unbind', (pdu) => session.send(pdu.response(), () => session.close()));
  session.on('close', () => receivers.delete(session));
  session.on('error', (error) => say({ error: error.code || error.message }));
});

readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { mo } = JSON.parse(line);
    deliver(null, {
      esm_class: mo.udh ? 0x40 : 0,
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: mo.from,
      destination_addr: mo.to,
      short_message: mo.udh ? { udh: Buffer.from(mo.udh, 'hex'), message: mo.text } : mo.text,
    }, { mo: mo.text });
  })
  .on('close', () => process.exit(0));

server.listen(Number(opt.port), '127.0.0.1', () => say({ ready: true, port: server.address().port }));

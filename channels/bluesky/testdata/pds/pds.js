// A Bluesky server (PDS) with its directory of accounts (PLC) in memory, both
// on loopback. Prints {"ready":true,"port":N}, then {} every second while it
// starts, then {"plc":N} once both answer; it ends with its stdin.
//
//   node pds.js FOLDER      with Node 22; FOLDER keeps accounts and pictures
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')

// Both servers would listen on every interface.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port === 'object' || typeof port === 'string') return listen.call(this, port, ...rest)
  const ready = rest.find((a) => typeof a === 'function')
  return listen.call(this, { port, host: '127.0.0.1' }, ready)
}

// freePorts gives ports that nobody else has at the moment.
async function freePorts(n) {
  const held = []
  for (let i = 0; i < n; i++) {
    const s = net.createServer()
    await new Promise((done, fail) => s.once('error', fail).listen(0, done))
    held.push(s)
  }
  const ports = held.map((s) => s.address().port)
  await Promise.all(held.map((s) => new Promise((done) => s.close(done))))
  return ports
}

const folder = process.argv[2]
const [pdsPort, plcPort] = await freePorts(2)
say({ ready: true, port: pdsPort })
const starting = setInterval(() => say({}), 1000)
Object.assign(process.env, {
  LOG_ENABLED: 'false',
  PDS_RATE_LIMITS_ENABLED: 'true',
  PDS_PORT: String(pdsPort),
  PDS_HOSTNAME: 'localhost',
  PDS_DEV_MODE: 'true',
  PDS_DATA_DIRECTORY: path.join(folder, 'data'),
  PDS_BLOBSTORE_DISK_LOCATION: path.join(folder, 'blobs'),
  PDS_BLOBSTORE_DISK_TMP_LOCATION: path.join(folder, 'tmp'),
  PDS_DID_PLC_URL: `http://127.0.0.1:${plcPort}`,
  PDS_SERVICE_HANDLE_DOMAINS: '.test',
  PDS_JWT_SECRET: randomBytes(16).toString('hex'),
  PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
  PDS_INVITE_REQUIRED: 'false',
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'),
  PDS_DISABLE_SSRF_PROTECTION: 'true',
})

for (const name of ['data', 'blobs', 'tmp']) mkdirSync(path.join(folder, name), { recursive: true })

// Read after the environment is set: both look at it when they are loaded.
const { default: plc } = await import('@did-plc/server')
const { PDS, readEnv, envToCfg, envToSecrets } = await import('@atproto/pds')

const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: plcPort })
await directory.start()
const env = readEnv()
const server = await PDS.create(envToCfg(env), envToSecrets(env))
await server.start()
clearInterval(starting)
say({ plc: plcPort })

async function end() {
  setTimeout(() => process.exit(0), 2000).unref()
  await Promise.allSettled([server.destroy(), directory.destroy()])
  process.exit(0)
}
process.stdin.resume().on('end', end).on('close', end)
process.on('SIGTERM', end)

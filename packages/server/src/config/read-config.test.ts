import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { StartError } from '../start-error.ts'
import { readConfig } from './read-config.ts'

test('readConfig: without any source everything has its default', () => {
  const { settings, chosen } = readConfig({}, {})
  assert.equal(settings.dataDir, './data')
  assert.deepEqual(settings.hostnames, ['localhost'])
  assert.equal(settings.mqttPort, 8883)
  assert.equal(settings.httpsPort, 443)
  assert.equal(chosen.size, 0)
})

test('readConfig: flags win over the environment, that over the file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'config.json')
  writeFileSync(file, JSON.stringify({ mqttPort: 1, httpsPort: 1, amqpPort: 1 }))
  const environment = {
    TWINWARD_CONFIG_FILE: file,
    TWINWARD_MQTT_PORT: '2',
    TWINWARD_HTTPS_PORT: '2',
    TWINWARD_HOSTNAMES: 'hub.example.net, localhost',
  }
  const { settings, chosen } = readConfig({ httpsPort: 3, listen: undefined }, environment)
  assert.deepEqual([settings.amqpPort, settings.mqttPort, settings.httpsPort], [1, 2, 3])
  assert.deepEqual(settings.hostnames, ['hub.example.net', 'localhost'])
  assert.equal(settings.listen, '127.0.0.1')
  assert.ok(chosen.has('httpsPort'))
  assert.ok(!chosen.has('listen'))
})

test('readConfig: a _FILE variable names a file with the value', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'level'), 'warn\n')
  const { settings } = readConfig({}, { TWINWARD_LOG_LEVEL_FILE: join(folder, 'level') })
  assert.equal(settings.logLevel, 'warn')
})

test('readConfig: all mistakes are named together, each with where it came from', () => {
  const environment = { TWINWARD_MQTT_PORT: 'many', TWINWARD_LOG_LEVEL: 'loud' }
  assert.throws(
    () => readConfig({ httpsPort: 70_000, tlsCert: 'cert.pem' }, environment),
    (error) => {
      assert.ok(error instanceof StartError)
      for (const words of [
        /mqttPort \(from the environment\)/,
        /logLevel \(from the environment\)/,
        /httpsPort \(from the command line\)/,
        /tlsCert and tlsKey go together/,
      ]) {
        assert.match(error.message, words)
      }
      return true
    },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { arbitrarySettings } from '../../test/arbitrary-settings.ts'
import type { JsonObject } from '../json.ts'
import { ERAS, type Era, LEGACY_CONFIGURATION_KEY } from './eras.ts'
import { configurationSchema, type SchemaSection } from './schema.ts'
import { settingsOf } from './tables.ts'
import { checkValue } from './value.ts'
import { writeConfiguration } from './write.ts'

function validator(era: Era, section: SchemaSection, keys = {}) {
  const schema = configurationSchema(era, section, `https://example.com/${era}.json`, keys)
  return new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)
}

test('configurationSchema: each is a valid schema of draft 2020-12', () => {
  for (const era of ERAS) {
    for (const section of ['desired', 'reported'] as const) {
      const schema = configurationSchema(era, section, 'https://example.com/x.json')
      const ajv = new Ajv2020()
      assert.ok(ajv.validateSchema(schema), ajv.errorsText())
    }
  }
})

for (const era of ['early', 'legacy', 'micro'] as const) {
  test(`configurationSchema: whatever may be written for ${era} fits`, () => {
    const fits = validator(era, 'desired')
    const property = fc.property(arbitrarySettings(era), (settings) => {
      assert.ok(fits(writeConfiguration(settings, era)), JSON.stringify(fits.errors))
    })
    fc.assert(property, { numRuns: 50 })
  })

  test(`configurationSchema: for ${era} it refuses what writing refuses, value by value`, () => {
    const fits = validator(era, 'desired')
    const values = [null, [], {}, -1, 1.5, 4, 10 ** 12, true, '', 'soon', 'P1M', 'PT1H', 'low']
    const texts = ['Low', '1,2', '0,1,2', '30,60,90', '/a/../b', '/a b', '/ok', 'a'.repeat(64)]
    for (const setting of settingsOf(era).values()) {
      for (const value of [...values, ...texts]) {
        const checked = checkValue(setting, value)
        // What is put right by the way, and ranges of durations, are beyond JSON Schema.
        if ('value' in checked ? checked.value !== value : setting.type === 'duration') continue
        const shaped = shape(era, setting.name, value)
        // Removals are bare; `{"value": null}` and an empty list are nothing to agents.
        if (value === null || (setting.default === null && value === '')) continue
        assert.equal(fits(shaped), 'value' in checked, `${setting.name} ${JSON.stringify(value)}`)
      }
    }
  })
}

function shape(era: Era, name: string, value: unknown): object {
  if (era === 'micro') return { [name]: value }
  const member = era === 'legacy' ? { value } : value
  const key = Object.keys(writeConfiguration({}, era))[0] ?? ''
  return { [key]: { [name]: member } }
}

test('configurationSchema: the examples of the specification fit', () => {
  // Operators changed some settings; the hub adds what is its own.
  const desired: JsonObject = {
    [LEGACY_CONFIGURATION_KEY]: {
      highPriorityMessageFrequency: { value: 'PT7M' },
      eventPriorityProcessCreate: { value: 'High' },
      aggregationEnabledProcessCreate: { value: false },
      baselineCustomChecksEnabled: { value: true },
      baselineCustomChecksFilePath: { value: '/home/ops/custom_checks.xml' },
      baselineCustomChecksFileHash: {
        value: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
      },
    },
    $metadata: { $lastUpdated: '2019-11-02T08:10:00Z', $lastUpdatedVersion: 7 },
    $version: 7,
  }
  expectFit('legacy', 'desired', desired)
  const early = writeConfiguration({}, 'early')
  assert.equal(Object.keys(Object.values(early)[0] ?? {}).length, 19)
  expectFit('early', 'desired', early)
  expectFit('micro', 'desired', MICRO_EXAMPLE)
  expectFit('micro', 'reported', { latest_state: 'success', $version: 9 })
  for (const fields of [['Process_Mode'], 'Process_Mode, Login_UsePAM']) {
    expectFit('micro', 'reported', { latest_state: 'failed', latest_invalid_fields: fields })
  }
})

test('configurationSchema: what the C agent reports fits, in its own spelling', () => {
  expectFit('legacy', 'reported', {
    [LEGACY_CONFIGURATION_KEY]: {
      maxLocalCacheSizeInBytes: { value: 2560000 },
      lowPriorityMessageFrequency: { value: 'P1M' },
      baselineCustomChecksEnabled: { value: false },
      eventPriorityOSBaseline: { value: 'off' },
      eventPriorityOperational: { value: 'low' },
      baselineCustomChecksFilePath: { value: null },
      baselineCustomChecksFileHash: {},
      settingOfALaterAgent: { value: 1 },
    },
  })
})

test('configurationSchema: the configuration object may lie under a key of the fleet', () => {
  const fits = validator('legacy', 'desired', { legacy: 'fleet' })
  assert.equal(fits({ fleet: { snapshotFrequency: { value: 'soon' } } }), false)
  assert.equal(fits({ fleet: { snapshotFrequency: { value: 'PT1H' } } }), true)
})

function expectFit(era: Era, section: SchemaSection, value: JsonObject): void {
  const fits = validator(era, section)
  assert.ok(fits(value), JSON.stringify(fits.errors))
}

const MICRO_EXAMPLE: JsonObject = {
  CollectorsCore_PriorityIntervals: '30,120,1440',
  Baseline_Disabled: false,
  Baseline_MessageFrequency: 'Low',
  Baseline_GroupsDisabled: 'Time Synchronization, Network Parameters Host',
  Baseline_ChecksDisabled: '3.3.5,2.2.1.1',
  SystemInformation_HardwareVendor: 'Acme',
  NetworkActivity_Devices: 'eth0,wlan0',
  NetworkActivity_PacketBufferSize: 2097152,
  Process_PollingInterval: 100000,
  Process_Mode: 1,
  FileSystem_Paths: '/etc, /opt/app/config',
  IothubModule_MessageTimeout: 2880,
  $metadata: { $lastUpdated: '2022-11-02T08:10:00Z' },
  $version: 4,
}

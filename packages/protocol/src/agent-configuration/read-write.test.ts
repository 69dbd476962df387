import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitrarySettings } from '../../test/arbitrary-settings.ts'
import { HubError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { type Era, LEGACY_CONFIGURATION_KEY } from './eras.ts'
import { type ConfigurationReading, readConfiguration, readMicroResult } from './read.ts'
import { defaultSettings } from './tables.ts'
import { writeConfiguration } from './write.ts'

for (const era of ['early', 'legacy', 'micro'] as const) {
  test(`readConfiguration: reads back what was written for ${era}, the gaps filled`, () => {
    fc.assert(
      fc.property(arbitrarySettings(era), (settings) => {
        const complete = era === 'micro' ? settings : { ...defaultSettings(era), ...settings }
        const reading = readConfiguration(writeConfiguration(complete, era), era)
        assert.deepEqual(reading.settings, complete)
        assert.deepEqual(reading.unreadable, [])
        assert.deepEqual(reading.misshapen, [])
        assert.deepEqual(
          writeConfiguration(settings, era),
          writeConfiguration(reading.settings, era),
        )
      }),
      { numRuns: 60 },
    )
  })
}

interface Vector {
  readonly name: string
  readonly era: Era
  readonly key?: string
  readonly section: JsonObject
  readonly reading: ConfigurationReading
}

const VECTORS = join(import.meta.dirname, '../../../../vectors/agent-configuration')

test('readConfiguration: every vector is read as it says', () => {
  const text = readFileSync(join(VECTORS, 'reading.json'), 'utf8')
  const { cases } = JSON.parse(text) as { cases: readonly Vector[] }
  assert.ok(cases.length > 0)
  for (const { name, era, key, section, reading } of cases) {
    // A key that is not given is `undefined`, which means the era's own.
    assert.deepEqual(readConfiguration(section, era, key), reading, name)
  }
})

test('readConfiguration: nothing in a twin makes it throw', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom(LEGACY_CONFIGURATION_KEY, '__proto__', 'Process_Mode'),
        fc.jsonValue(),
      ),
      fc.constantFrom<Era>('preview', 'early', 'legacy', 'micro', 'rtos'),
      (section, era) => {
        readConfiguration(section as JsonObject, era)
      },
    ),
  )
})

test('writeConfiguration: lists every mistake at once', () => {
  assert.throws(
    () =>
      writeConfiguration({ snapshotFrequency: 'soon', eventPriorityLogin: 'Hi', x: 1 }, 'legacy'),
    (error) =>
      error instanceof HubError &&
      error.code === 'ArgumentInvalid' &&
      ['snapshotFrequency', 'eventPriorityLogin', 'x'].every((name) =>
        error.message.includes(`${name}: `),
      ),
  )
})

test('writeConfiguration: eras without twin configuration are refused', () => {
  for (const era of ['rtos', 'preview'] as const) {
    assert.throws(() => writeConfiguration({}, era), { code: 'ArgumentInvalid' })
  }
})

test('writeConfiguration: the configuration object may lie under a key of the fleet', () => {
  const section = writeConfiguration({ snapshotFrequency: 'PT1H' }, 'legacy', 'my-key')
  assert.deepEqual(Object.keys(section), ['my-key'])
  assert.equal(readConfiguration(section, 'legacy', 'my-key').settings.snapshotFrequency, 'PT1H')
})

test('readMicroResult: invalid fields come as a list or as a text', () => {
  const fields = ['Process_Mode', 'Login_UsePAM']
  for (const written of [fields, 'Process_Mode, Login_UsePAM']) {
    assert.deepEqual(readMicroResult({ latest_state: 'failed', latest_invalid_fields: written }), {
      state: 'failed',
      invalidFields: fields,
    })
  }
  assert.deepEqual(readMicroResult({}), { state: 'unknown', invalidFields: [] })
})

const samples = process.env.TWINWARD_SECURITY_SAMPLES
test('readConfiguration: what the real C agent reported is read whole', {
  skip: samples ? false : 'TWINWARD_SECURITY_SAMPLES is not set',
}, () => {
  const text = readFileSync(join(samples ?? '', 'agent-c-0.0.6-reported.json'), 'utf8')
  const reading = readConfiguration(JSON.parse(text), 'legacy')
  assert.equal(Object.keys(reading.settings).length, 20)
  assert.deepEqual([reading.unreadable, reading.unknown, reading.misshapen], [[], {}, []])
  assert.equal(reading.settings.eventPriorityOSBaseline, 'Off')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { cutWaves, Places, placeOf, waveAt } from './waves.ts'

const idOf = (n: number) => ({ deviceId: `d-${n}` })

function placesOf(count: number) {
  const places = new Places()
  for (let n = 0; n < count; n++) places.add(placeOf('r1', idOf(n)))
  return places.sorted()
}

test('waves are exact for the targets there are, and a later one has its wave too', () => {
  const waves = cutWaves(['1%', '10%', '25', 'rest'], placesOf(5000))
  assert.deepEqual(
    waves.map(({ planned }) => planned),
    [50, 500, 25, 4425],
  )
  const counts = [0, 0, 0, 0]
  for (let n = 0; n < 5000; n++) {
    const wave = waveAt(waves, placeOf('r1', idOf(n)))
    counts[wave] = (counts[wave] ?? 0) + 1
  }
  assert.deepEqual(counts, [50, 500, 25, 4425])
  assert.ok(waveAt(waves, placeOf('r1', { deviceId: 'later', moduleId: 'm' })) >= 0)
})

test('a share of a small fleet is one device at least; sizes beyond the fleet take what is there', () => {
  const planned = (...sizes: string[]) => cutWaves(sizes, placesOf(10)).map((wave) => wave.planned)
  assert.deepEqual(planned('1%', 'rest'), [1, 9])
  assert.deepEqual(planned('8', '50%', 'rest'), [8, 2, 0])
  assert.deepEqual(
    cutWaves(['5%', 'rest'], placesOf(0)).map((wave) => wave.planned),
    [0, 0],
  )
})

test('any sizes: every target is in exactly one wave, as many as planned', () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 60 }).map(String),
    fc.integer({ min: 0, max: 100 }).map((share) => `${share}%`),
  )
  fc.assert(
    fc.property(
      fc.array(size, { maxLength: 6 }),
      fc.integer({ min: 0, max: 50 }),
      (sizes, count) => {
        const places = placesOf(count)
        const waves = cutWaves([...sizes, 'rest'], places)
        const counted = waves.map(() => 0)
        for (const place of places) {
          const wave = waveAt(waves, place)
          counted[wave] = (counted[wave] ?? 0) + 1
        }
        assert.deepEqual(
          counted,
          waves.map(({ planned }) => planned),
        )
        assert.equal(
          counted.reduce((sum, each) => sum + each, 0),
          count,
        )
      },
    ),
    fuzzRuns(200),
  )
})

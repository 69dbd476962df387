import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatPropertyBag, parsePropertyBag } from './property-bag.ts'

const file = new URL('../../../vectors/mqtt/property-bags.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8'))

for (const { name, bag, system, application } of vectors.parse) {
  test(`parsePropertyBag: ${name}`, () => {
    assert.deepEqual(parsePropertyBag(bag), { system, application })
  })
}

for (const { bag, system, application } of vectors.format) {
  test(`formatPropertyBag: ${bag || 'nothing'}`, () => {
    assert.equal(formatPropertyBag({ system, application }), bag)
  })
}

test('parsePropertyBag: a property called __proto__ is a property', () => {
  const { application } = parsePropertyBag('__proto__=x')
  assert.equal(Object.getPrototypeOf(application), Object.prototype)
  assert.deepEqual(Object.entries(application), [['__proto__', 'x']])
})

test('formatPropertyBag: what it writes is read back, whatever the names and values', () => {
  const text = fc.string({ unit: 'grapheme' })
  const name = text.filter((key) => key !== '' && !key.startsWith('$.'))
  const application = fc.dictionary(name, fc.option(text), { noNullPrototype: true })
  fc.assert(
    fc.property(application, text, (properties, messageId) => {
      const message = { system: { messageId }, application: properties }
      assert.deepEqual(parsePropertyBag(formatPropertyBag(message)), message)
    }),
  )
})

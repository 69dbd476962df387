import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatCloudBag, formatPropertyBag, parsePropertyBag } from './property-bag.ts'

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

test('formatCloudBag: the seven system keys that a device may see, in their order, and half a surrogate pair', () => {
  const system = {
    messageId: 'a',
    correlationId: 'b',
    userId: 'c',
    to: 'ignored',
    expiryTimeUtc: 'd',
    contentType: 'e',
    contentEncoding: 'f',
    outputName: 'hidden',
    interfaceId: 'hidden',
  }
  const bag = formatCloudBag({ system, ack: 'negative', application: { x: '\ud800!' } }, '/to')
  assert.equal(
    bag,
    '%24.mid=a&%24.cid=b&%24.uid=c&%24.to=%2Fto&%24.exp=d&%24.ct=e&%24.ce=f' +
      '&iothub-ack=negative&x=%EF%BF%BD!',
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { parseLinkAddress } from '../../src/gateways/amqp/addresses.ts'
import { readRegistrationRequest } from '../../src/gateways/amqp/registration-request.ts'
import { Fault } from '../../src/gateways/amqp/wire/fault.ts'
import { encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
import { AmqpMap, type AmqpValue, uint, ulong, uuid } from '../../src/gateways/amqp/wire/values.ts'

const SEED = 20_261_121
const anyText = fc.string({ unit: 'binary', maxLength: 140 })
const anyValue: fc.Arbitrary<AmqpValue> = fc.oneof(
  anyText,
  fc.constantFrom(null, true, false, 'iotdps-register', 'iotdps-get-operationstatus'),
  fc.nat().map(uint),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
)
const anyId: fc.Arbitrary<AmqpValue> = fc.oneof(
  anyText,
  fc.nat().map(ulong),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => uuid(Buffer.from(bytes))),
  fc.constant(null),
)
const anyBody = fc.oneof(
  fc.constant(''),
  fc.constant('{"registrationId":"PUMP-1","payload":{"a":1}}'),
  fc.json(),
  fc.record({ registrationId: fc.oneof(fc.constant('Pump-1'), anyText) }).map((value) => {
    return `${JSON.stringify(value)}\0`
  }),
)
const anyType = fc.constantFrom('iotdps-register', 'iotdps-get-operationstatus')
const anyMessage = fc
  .record({
    correlationId: anyId,
    type: fc.oneof(anyType, anyValue),
    forced: fc.oneof(fc.boolean(), anyValue),
    id: fc.oneof(fc.constant('5.1.2'), anyValue),
    body: anyBody,
  })
  .map(({ correlationId, type, forced, id, body }) =>
    encodeMessage({
      properties: { correlationId },
      application: new AmqpMap([
        ['iotdps-operation-type', type],
        ['iotdps-forceRegistration', forced],
        ['iotdps-operation-id', id],
      ]),
      body: Buffer.from(body),
    }),
  )
const anyBytes = fc.oneof(
  anyMessage,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(anyMessage, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const broken = Buffer.from(bytes)
    broken[at % broken.length] = byte
    return broken
  }),
)

test('registration: whatever bytes come, a request of this device or an error that says why not', () => {
  let read = 0
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      try {
        const { correlationId, operationId } = readRegistrationRequest(bytes, 'pump-1')
        assert.notEqual(correlationId, null)
        assert.ok(operationId === undefined || (operationId !== '' && operationId.length <= 128))
        read++
      } catch (thrown) {
        assert.ok(thrown instanceof Fault || thrown instanceof HubError, String(thrown))
        assert.ok(thrown.message.length > 0 && thrown.message.length < 300)
        if (thrown instanceof HubError) assert.notEqual(thrown.code, 'ServerError')
      }
    }),
    fuzzRuns(3000, SEED),
  )
  assert.ok(read > 100, `only ${read} requests were read`)
})

test('registration: an address names a scope and an id, or is another address', () => {
  const part = fc.oneof(fc.constantFrom('registrations', 'devices', '%2F', '%', '$cbs'), anyText)
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const address = parseLinkAddress(parts.join('/'))
      if (address?.kind !== 'registration') return
      assert.ok(address.idScope !== '' && address.registrationId !== '')
      assert.ok(!address.idScope.includes('/'))
    }),
    fuzzRuns(1000, SEED),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRefusal } from './refusal.ts'

const REFUSALS: readonly (readonly [
  what: string,
  answer: readonly [status: number, header: string, body: string],
  code: string,
])[] = [
  [
    'the header goes first',
    [404, 'ModuleNotFound', '{"Message":"ErrorCode:DeviceNotFound;x"}'],
    'ModuleNotFound',
  ],
  ['the name in the text', [409, '', '{"Message":"ErrorCode:DeviceNotFound;x"}'], 'DeviceNotFound'],
  ['a number', [404, '', '{"errorCode":404010,"message":"x"}'], 'ModuleNotFound'],
  ['a name that nobody knows: the status', [429, 'Busy', '{}'], 'ThrottlingException'],
  ['no envelope at all: the status', [412, '', '<html>'], 'PreconditionFailed'],
  ['a status that means nothing to a service', [502, '', ''], 'ServiceUnavailable'],
]

for (const [what, [status, header, body], code] of REFUSALS) {
  test(`readRefusal: ${what}`, () => {
    assert.equal(readRefusal(status, header, body).code, code)
  })
}

test('readRefusal: what the hub says is passed on, within bounds', () => {
  assert.equal(readRefusal(400, '', '{"Message":"ErrorCode:ArgumentInvalid;no"}').message, 'no')
  const long = readRefusal(400, '', JSON.stringify({ Message: 'x'.repeat(100_000) }))
  assert.ok(long.message.length <= 512)
})

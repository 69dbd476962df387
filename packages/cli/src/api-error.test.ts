import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readApiError } from './api-error.ts'

test('readApiError: Message with ErrorCode:Name;text', () => {
  const body =
    '{"Message":"ErrorCode:ArgumentInvalid;top must be 1; or more.","ExceptionMessage":"x"}'
  const { message, code, status } = readApiError(400, 'ArgumentInvalid', body)
  assert.equal(message, 'top must be 1; or more. (ArgumentInvalid)')
  assert.equal(code, 'ArgumentInvalid')
  assert.equal(status, 400)
})

test('readApiError: Message with JSON inside', () => {
  const inner = { errorCode: 404001, message: 'The device is not online.', info: null }
  const body = JSON.stringify({ Message: JSON.stringify(inner), ExceptionMessage: '' })
  assert.equal(readApiError(404, '', body).message, 'The device is not online. (DeviceNotFound)')
})

test('readApiError: the bare object', () => {
  const body =
    '{"errorCode":409301,"message":"Device a already contains Module m.","trackingId":"x"}'
  const error = readApiError(409, '', body)
  assert.equal(error.message, 'Device a already contains Module m. (ModuleAlreadyExistsOnDevice)')
})

test('readApiError: a number of a newer server stays a number', () => {
  assert.equal(readApiError(400, '', '{"errorCode":1,"message":"No."}').message, 'No. (1)')
})

test('readApiError: a bare id becomes a sentence', () => {
  const body = '{"Message":"ErrorCode:DeviceNotFound;pump-1"}'
  const { message } = readApiError(404, '', body)
  assert.equal(message, "There is no device or module 'pump-1'. (DeviceNotFound)")
})

test('readApiError: a route that is not served yet says so', () => {
  const body = '{"Message":"ErrorCode:NotImplemented;POST /x is not served by this version yet."}'
  const said = 'POST /x is not served by this version yet. (NotImplemented)'
  assert.equal(readApiError(501, 'NotImplemented', body).message, said)
  assert.match(readApiError(501, '', '').message, /does not serve that yet/)
})

for (const body of [
  '',
  '<html>',
  '[]',
  'null',
  '{"Message":7}',
  '{"Message":"{\\"Message\\":\\"{}\\"}"}',
]) {
  test(`readApiError: an answer without an envelope still is a sentence: ${body}`, () => {
    assert.match(readApiError(502, '', body).message, / \(HTTP 502\)$/)
  })
}

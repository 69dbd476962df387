import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpAnswers } from './http-answers.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'

test('answers are counted once their bodies are whole, however they arrive', () => {
  const answers = new HttpAnswers()
  const bytes = Buffer.from(ok.repeat(3))
  assert.equal(answers.take(bytes.subarray(0, 60), 60), 1)
  let done = 1
  // One buffer for every read, as a connection lends it.
  const lent = Buffer.alloc(1)
  for (const byte of bytes.subarray(60)) {
    lent[0] = byte
    done += answers.take(lent, 1)
  }
  assert.equal(done, 3)
  assert.equal(answers.take(bytes, bytes.length), 3)
})

test('an answer that is no success, or of unknown length, ends the run', () => {
  const refused = Buffer.from('HTTP/1.1 429 Too Many\r\n\r\n')
  assert.throws(() => new HttpAnswers().take(refused, refused.length), /429/)
  const chunked = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  assert.throws(() => new HttpAnswers().take(chunked, chunked.length), /content-length/)
})

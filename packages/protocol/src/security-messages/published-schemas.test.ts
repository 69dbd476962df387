import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { publishedSecuritySchemas } from './published-schemas.ts'

// Another validator than ours, as users of the documents have.
const require = createRequire(import.meta.url)
const { default: Ajv } = require('ajv/dist/2020.js')
const { default: addFormats } = require('ajv-formats')

function vectors<T>(name: string): T[] {
  const url = new URL(`../../../../vectors/security-messages/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8'))
}

const ajv = new Ajv({ strict: false })
addFormats(ajv)
for (const { document } of publishedSecuritySchemas()) ajv.addSchema(document)

function isValid(message: { readonly MessageSchemaVersion: string }): boolean {
  const validate = ajv.getSchema(
    `urn:twinward:schema:security-messages:${message.MessageSchemaVersion}`,
  )
  assert.ok(validate)
  return validate(message) as boolean
}

test('what is accepted is valid by the published schemas, in another validator', () => {
  for (const { name, message } of vectors<{ name: string; message: never }>('accepted')) {
    assert.equal(isValid(message), true, `${name}: ${ajv.errorsText(ajv.errors)}`)
  }
})

test('what is refused for its shape is invalid by the published schemas', () => {
  const [first] = vectors<{ message: { Events: unknown[] } }>('accepted')
  // Rules between members, and times, are not in the schemas.
  const beyond = /time|calendar|empty|nothing|aggregate|another payload schema/
  for (const { name, schema, event } of vectors<{
    name: string
    schema: string
    event: unknown
  }>('rejected-events')) {
    if (beyond.test(name)) continue
    const message = { ...first?.message, MessageSchemaVersion: schema, Events: [event] }
    assert.equal(isValid(message), false, name)
  }
})

test('every document says what it is, and none refers to one that is not there', () => {
  const documents = publishedSecuritySchemas()
  const names = new Set(documents.map(({ document }) => document.$id))
  assert.equal(names.size, documents.length)
  for (const { document } of documents) {
    const text = JSON.stringify(document)
    assert.match(text, /"title":"[^"]{10,}"/)
    for (const [, ref = ''] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
      assert.ok(ref.startsWith('#') || names.has(ref), ref)
    }
  }
})

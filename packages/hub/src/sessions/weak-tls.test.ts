import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWeakSuite } from './weak-tls.ts'

test('a suite is weak without forward secrecy, with RC4 or 3DES, and with CBC and SHA-1', () => {
  for (const weak of [
    'TLS_RSA_WITH_AES_128_GCM_SHA256',
    'TLS_RSA_WITH_AES_128_CBC_SHA',
    'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
    'TLS_DHE_RSA_WITH_AES_256_CBC_SHA',
    'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
    'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
    'TLS_PSK_WITH_AES_128_GCM_SHA256',
    '',
  ]) {
    assert.equal(isWeakSuite(weak), true, weak)
  }
  for (const good of [
    'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
    'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256',
    'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
  ]) {
    assert.equal(isWeakSuite(good), false, good)
  }
})

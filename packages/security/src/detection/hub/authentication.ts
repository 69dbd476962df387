import type { AlertType } from '../rule.ts'
import { hubRule } from './hub-rule.ts'

const WHOSE_ADDRESS =
  'Look at the address in the alert: is it where the device is, or somewhere else?'
const WHILE_CONNECTED =
  'If the device itself was connected at that time (the alert says so), somebody else has tried ' +
  'its name: give the identity new credentials.'

const print: AlertType = {
  number: 105,
  alertType: 'IoT_Cert_Print_Mismatch',
  displayName: 'Client certificate does not match the registered thumbprint',
  severity: 'Medium',
  intent: 'InitialAccess',
  description:
    'Somebody presented a certificate whose thumbprint is not one of the two that are registered ' +
    'for this identity. It was not let in.',
  remediationSteps: [
    WHOSE_ADDRESS,
    'If the device was given a new certificate, register its thumbprint as the secondary one.',
    WHILE_CONNECTED,
    'If neither explains it, check the device for copies of its key, and keep it off the network ' +
      'until that is clear.',
  ],
  techniques: ['T1078', 'T1649'],
}

const expiredCertificate: AlertType = {
  number: 106,
  alertType: 'IoT_Cert_Expired',
  displayName: 'Expired client certificate',
  severity: 'Medium',
  intent: 'InitialAccess',
  description:
    'Somebody presented a certificate of this identity that has run out. It was not let in. The ' +
    'device was not renewed in time, or an old certificate is used by somebody else.',
  remediationSteps: [
    'Issue a new certificate for the device and register it, where thumbprints are used.',
    WHOSE_ADDRESS,
    WHILE_CONNECTED,
  ],
  techniques: ['T1078', 'T1649'],
}

const expiredToken: AlertType = {
  number: 109,
  alertType: 'IoT_Expired_SAS_Token',
  displayName: 'Expired access token',
  severity: 'Low',
  intent: 'InitialAccess',
  description:
    'Somebody presented an access token for this identity that has run out. It was not let in. ' +
    'Usually the clock of the device is wrong or its program does not renew tokens; it may also be ' +
    'an old token that somebody kept.',
  remediationSteps: [
    'Check the clock of the device, and that its program makes new tokens before the old one ends.',
    WHOSE_ADDRESS,
    WHILE_CONNECTED,
  ],
  techniques: ['T1078', 'T1550.001'],
}

const wrongToken: AlertType = {
  number: 110,
  alertType: 'IoT_Invalid_SAS_Token',
  displayName: 'Access token with a wrong signature',
  severity: 'Low',
  intent: 'CredentialAccess',
  description:
    'Somebody presented an access token for this identity that neither of its two keys has signed. ' +
    'It was not let in. The device has an old key, or somebody guesses.',
  remediationSteps: [
    'If the keys of the identity were changed, give the device its new key.',
    WHOSE_ADDRESS,
    WHILE_CONNECTED,
    'Many attempts from one address that is not yours: block it at your gateway.',
  ],
  techniques: ['T1078', 'T1110'],
}

const failure = { kind: 'auth.failure', outcome: 'failure' } as const

/** Devices and modules that were not let in. */
export const authenticationRules = [
  hubRule(print, {
    ...failure,
    reason: 'thumbprint',
    seen: 'a certificate with another thumbprint',
  }),
  hubRule(expiredCertificate, {
    ...failure,
    reason: 'certExpired',
    seen: 'an expired certificate',
  }),
  hubRule(expiredToken, { ...failure, reason: 'sasExpired', seen: 'an expired access token' }),
  hubRule(wrongToken, {
    ...failure,
    reason: 'sasSignature',
    seen: 'a token with a wrong signature',
  }),
]

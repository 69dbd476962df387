import type { HubEvent } from '../../activity/hub-activity.ts'
import type { AlertType } from '../rule.ts'
import { hubRule } from './hub-rule.ts'

const ASK_WHO =
  'Ask whoever may use the policy that the alert names whether they did it; the audit log ' +
  '(`security audit`) has the time and the address.'
const RENEW_KEYS =
  'If nobody did, renew the keys of that policy, and look in the audit log for what else it did.'

const bySubject = ({ subject = '' }: HubEvent) => subject

const added: AlertType = {
  number: 101,
  alertType: 'IoT_CertificateSuccessfullyAddedToHub',
  displayName: 'CA certificate added to the hub',
  severity: 'Medium',
  intent: 'Persistence',
  description:
    'A certificate authority was registered, or replaced. Whoever holds its key can issue ' +
    'certificates with which devices of this hub are let in.',
  remediationSteps: [
    ASK_WHO,
    'Compare the thumbprint of the authority with the one that its owner tells you.',
    'If it does not belong there, remove it: its devices are disconnected at once.',
    RENEW_KEYS,
  ],
  techniques: ['T1098', 'T1553.004'],
}

const removed: AlertType = {
  number: 102,
  alertType: 'IoT_CertificateSuccessfullyDeletedFromHub',
  displayName: 'CA certificate removed from the hub',
  severity: 'Medium',
  intent: 'Impact',
  description:
    'A certificate authority was removed. Devices with certificates of this authority were ' +
    'disconnected and are no longer let in.',
  remediationSteps: [
    ASK_WHO,
    'Count the devices that authenticate by certificate authority and are not connected.',
    'If it was a mistake, register the authority again.',
    RENEW_KEYS,
  ],
  techniques: ['T1531', 'T1562.001'],
}

const notAdded: AlertType = {
  number: 103,
  // Spelled as published, here and below.
  alertType: 'Hub_CertificateFailedToBeAddedToHub',
  displayName: 'CA certificate could not be added to the hub',
  severity: 'Medium',
  intent: 'Persistence',
  description:
    'Somebody with the right to do so tried to register a certificate authority, and the hub ' +
    'refused it: the certificate is none, has expired, or its name or etag does not fit.',
  remediationSteps: [
    ASK_WHO,
    'A mistake is repeated with the right file. Several different certificates in a row are ' +
      'somebody who tries what works.',
    RENEW_KEYS,
  ],
  techniques: ['T1098', 'T1553.004'],
}

const notRemoved: AlertType = {
  number: 104,
  alertType: 'IoT.Hub_CertificateFailedToBeDeletedFromHub',
  displayName: 'CA certificate could not be removed from the hub',
  severity: 'Medium',
  intent: 'Impact',
  description:
    'Somebody with the right to do so tried to remove a certificate authority, and the hub refused ' +
    'it: there is none of that name, or it was changed since the caller read it.',
  remediationSteps: [
    ASK_WHO,
    'List the authorities and check that all that should be there are.',
    RENEW_KEYS,
  ],
  techniques: ['T1531', 'T1562.001'],
}

const add = { kind: 'ca.add', key: bySubject }
const remove = { kind: 'ca.delete', key: bySubject }

/** What happened to the registered certificate authorities. */
export const certificateRules = [
  hubRule(added, { ...add, outcome: 'success', seen: 'a CA was registered' }),
  hubRule(removed, { ...remove, outcome: 'success', seen: 'a CA was removed' }),
  hubRule(notAdded, { ...add, outcome: 'failure', seen: 'a CA was refused' }),
  hubRule(notRemoved, { ...remove, outcome: 'failure', seen: 'a CA was not removed' }),
]

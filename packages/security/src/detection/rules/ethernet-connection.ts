import { ASK_WHETHER_PLANNED, LOOK_AT_THE_PLACE } from '../advice.ts'
import { peripheralRule } from '../peripheral-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 13,
  alertType: 'IoT_EthernetConnection',
  displayName: 'New Ethernet connection',
  severity: 'High',
  intent: 'InitialAccess',
  description:
    'A network cable or adapter was connected to the device. It may now join networks that should ' +
    'stay apart, or talk with a machine next to it.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    LOOK_AT_THE_PLACE,
    'Check which network is on the other end, and switch off ports that the device does not need',
  ],
  techniques: ['T1200'],
}

/** A network interface that got a link. */
export const ethernetConnection: Rule = peripheralRule(type, {
  kind: 'ethernet',
  action: 'connect',
})

import { ASK_WHETHER_PLANNED, LOOK_AT_THE_PLACE } from '../advice.ts'
import { peripheralRule } from '../peripheral-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 14,
  alertType: 'IoT_EthernetDisconnection',
  displayName: 'Ethernet disconnection',
  severity: 'High',
  intent: 'InitialAccess',
  description:
    'A network cable or adapter of the device was disconnected. Somebody may have put something in ' +
    'between, or taken the device out of its network.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    LOOK_AT_THE_PLACE,
    'Check that the device is connected as planned, without anything in between',
  ],
  techniques: ['T1200'],
}

/** A network interface that lost its link. */
export const ethernetDisconnection: Rule = peripheralRule(type, {
  kind: 'ethernet',
  action: 'disconnect',
})

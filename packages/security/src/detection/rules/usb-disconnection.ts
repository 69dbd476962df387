import { ASK_WHETHER_PLANNED, LOOK_AT_THE_PLACE } from '../advice.ts'
import { peripheralRule } from '../peripheral-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 12,
  alertType: 'IoT_UsbDisconnection',
  displayName: 'USB disconnection',
  severity: 'High',
  intent: 'InitialAccess',
  description:
    'Something was pulled out of a USB port of the device. It may be missing now, or somebody took ' +
    'data away with it.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    LOOK_AT_THE_PLACE,
    'Check that everything the device needs is still plugged in, and what may have been copied',
  ],
  techniques: ['T1200', 'T1052.001'],
}

/** Hardware pulled out of a USB port. */
export const usbDisconnection: Rule = peripheralRule(type, { kind: 'usb', action: 'disconnect' })

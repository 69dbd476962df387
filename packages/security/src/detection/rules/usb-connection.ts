import { ASK_WHETHER_PLANNED, LOOK_AT_THE_PLACE } from '../advice.ts'
import { peripheralRule } from '../peripheral-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 11,
  alertType: 'IoT_USBConnection',
  displayName: 'New USB connection',
  severity: 'High',
  intent: 'InitialAccess',
  description:
    'Something was plugged into a USB port of the device: storage, a keyboard, a network adapter. ' +
    'Each of them can bring programs in or carry data out.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    LOOK_AT_THE_PLACE,
    'Remove what does not belong there, and switch off USB ports that the device does not need',
  ],
  techniques: ['T1200', 'T1091'],
}

/** Hardware plugged into a USB port. */
export const usbConnection: Rule = peripheralRule(type, { kind: 'usb', action: 'connect' })

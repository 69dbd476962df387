import { timingSafeEqual } from 'node:crypto'

export type Right =
  | 'RegistryRead'
  | 'RegistryWrite'
  | 'ServiceConnect'
  | 'DeviceConnect'
  | 'EnrollmentRead'
  | 'EnrollmentWrite'
  | 'RegistrationStatusRead'
  | 'RegistrationStatusWrite'

/** Those of IoT Hub itself, without the provisioning service. */
export const HUB_RIGHTS: readonly Right[] = [
  'RegistryRead',
  'RegistryWrite',
  'ServiceConnect',
  'DeviceConnect',
]

/** A shared access policy: a named key pair with rights (06 §4). Keys are base64. */
export interface SharedAccessPolicy {
  readonly name: string
  readonly rights: readonly Right[]
  readonly primaryKey: string
  readonly secondaryKey: string
}

/** IoT Hub's five policies, in the order its portal lists them, and the provisioning service's. */
export const DEFAULT_POLICIES: readonly Pick<SharedAccessPolicy, 'name' | 'rights'>[] = [
  {
    name: 'iothubowner',
    rights: HUB_RIGHTS,
  },
  { name: 'service', rights: ['ServiceConnect'] },
  { name: 'device', rights: ['DeviceConnect'] },
  { name: 'registryRead', rights: ['RegistryRead'] },
  { name: 'registryReadWrite', rights: ['RegistryRead', 'RegistryWrite'] },
  {
    name: 'provisioningserviceowner',
    rights: [
      'EnrollmentRead',
      'EnrollmentWrite',
      'RegistrationStatusRead',
      'RegistrationStatusWrite',
    ],
  },
]

/** Compares two base64 signatures in constant time. */
export function signaturesMatch(a: string, b: string): boolean {
  const left = Buffer.from(a, 'base64')
  const right = Buffer.from(b, 'base64')
  return left.length === right.length && timingSafeEqual(left, right)
}

import type { ModuleRecord } from './record.ts'

/**
 * Which devices get a security module without anybody creating it by hand.
 *
 * - `automatic`: every device, in the transaction that creates it; repaired when it is missing
 * - `onEnrollment`: devices that register through the provisioning service, or for which somebody
 *   asks; repaired where there was one
 * - `manual`: none; one that goes stays gone until somebody asks
 */
export type ModulePolicy = (typeof MODULE_POLICIES)[number]

export const MODULE_POLICIES = ['automatic', 'onEnrollment', 'manual'] as const

/** Whether a device without a security module is to be given one. Pure. */
export function isRepaired(policy: ModulePolicy, record: ModuleRecord | undefined): boolean {
  if (policy === 'manual' || record?.state === 'retired') return false
  return policy === 'automatic' || record?.hadModule === true
}

/** Whether a new device gets one in the transaction that creates it. Pure. */
export function isGivenAtBirth(policy: ModulePolicy, isEnrolled: boolean): boolean {
  return policy === 'automatic' || (policy === 'onEnrollment' && isEnrolled)
}

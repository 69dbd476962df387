import type { JsonObject } from '@twinward/protocol'
import { type Input, UsageError } from './command.ts'

/** An enrolment as the provisioning service shows it. */
export interface EnrollmentView extends JsonObject {
  readonly registrationId: string
  readonly enrollmentGroupId: string
  readonly provisioningStatus: string
  readonly attestation: {
    readonly type: string
    readonly symmetricKey?: { readonly primaryKey: string; readonly secondaryKey: string }
  }
  readonly lastUpdatedDateTimeUtc: string
}

/** What a device must be told to register. */
export interface ProvisioningView extends JsonObject {
  readonly idScope: string
  readonly hostName: string
}

/** Which enrolment a command line means. */
export interface EnrollmentName {
  readonly kind: 'individual' | 'group'
  readonly id: string
  /** Percent-encoded. */
  readonly path: string
}

export const NAME_OPTIONS = [
  { flags: '--individual <id>', description: 'one device, by its registration id' },
  { flags: '--group <id>', description: 'every device with a key or certificate of this group' },
] as const

/** @throws {UsageError} unless one of `--individual` and `--group` is given */
export function readName(input: Input): EnrollmentName {
  const individual = input.text('individual')
  const group = input.text('group')
  if ((individual === undefined) === (group === undefined)) {
    throw new UsageError('Give one of --individual and --group.')
  }
  return individual !== undefined
    ? { kind: 'individual', id: individual, path: pathOf('enrollments', individual) }
    : { kind: 'group', id: group ?? '', path: pathOf('enrollmentGroups', group ?? '') }
}

function pathOf(root: string, id: string): string {
  return `/${root}/${encodeURIComponent(id)}`
}

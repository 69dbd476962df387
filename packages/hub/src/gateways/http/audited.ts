import type { FastifyRequest } from 'fastify'
import type { AuditEntry } from '../../activity/audit-event.ts'
import type { Hub } from '../../hub.ts'

/**
 * Does what a service asks for; it stands in the audit log, with who asked, before it is answered.
 *
 * @throws what `act` throws; that stands there too
 */
export function audited<T>(
  { activity }: Pick<Hub, 'activity'>,
  { grant, ip }: FastifyRequest,
  entry: Pick<AuditEntry, 'kind' | 'subject' | 'ref'>,
  act: () => Promise<T>,
): Promise<T> {
  const who = { address: ip, ...(grant && { principal: grant.policyName }) }
  return activity.audit.around({ ...entry, ...who }, act)
}

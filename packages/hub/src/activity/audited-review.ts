import type { DesiredReview } from '../twins/desired-review.ts'
import type { AuditLog } from './audit-log.ts'

/** The review, whose names to be audited stand in the audit log before the writer is answered. */
export function auditedReview(
  review: DesiredReview,
  audit: Pick<AuditLog, 'record'>,
): DesiredReview {
  return {
    ...review,
    async accepted(ref, names, author) {
      await review.accepted(ref, names, author)
      await audit.record({
        ...{ kind: 'desired.change', outcome: 'success', ref, subject: names.join(', ') },
        ...(author && { principal: author.name }),
      })
    },
  }
}

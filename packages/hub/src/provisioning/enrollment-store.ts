import type { Enrollment, EnrollmentKind, Registration } from './enrollment.ts'

/**
 * Enrolments, and the registrations that came of them. Ids are ASCII and compare without regard to
 * case.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/enrollment-store.ts`. A
 * promise resolves once the change would survive a crash, and a read never shows what would not.
 */
export interface EnrollmentStore {
  find(kind: EnrollmentKind, id: string): Promise<Enrollment | undefined>

  /** In the order of their ids in lower case, those behind `after`. */
  list(kind: EnrollmentKind, limit: number, after?: string): Promise<readonly Enrollment[]>

  /** Adds one, unless there are `max` of its kind. */
  insert(enrollment: Enrollment, max: number): Promise<'inserted' | 'taken' | 'full'>

  /** Replaces the one that has this id and `etag`; `false` when there is none. */
  replace(enrollment: Enrollment, etag: string): Promise<boolean>

  /** Removes it with its registrations; `false` when there is none with this etag. */
  remove(kind: EnrollmentKind, id: string, etag: string): Promise<boolean>

  findRegistration(registrationId: string): Promise<Registration | undefined>

  /** Adds or replaces it; `false`, and nothing is stored, when its enrolment is gone. */
  saveRegistration(registration: Registration): Promise<boolean>

  /** `false` when there is none with this etag. */
  removeRegistration(registrationId: string, etag: string): Promise<boolean>

  /** Of one enrolment, in the order of their ids in lower case, those behind `after`. */
  listRegistrations(
    enrollment: Pick<Enrollment, 'kind' | 'id'>,
    limit: number,
    after?: string,
  ): Promise<readonly Registration[]>
}

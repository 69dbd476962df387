import type { Enrollment, EnrollmentKind, Registration } from '../../provisioning/enrollment.ts'
import type { EnrollmentStore } from '../../provisioning/enrollment-store.ts'

/** Enrolments for tests: everything in memory, durable at once. */
export class MemoryEnrollments implements EnrollmentStore {
  readonly #enrollments = {
    individual: new Map<string, Enrollment>(),
    group: new Map<string, Enrollment>(),
  }
  readonly #registrations = new Map<string, Registration>()

  async find(kind: EnrollmentKind, id: string): Promise<Enrollment | undefined> {
    return this.#enrollments[kind].get(id.toLowerCase())
  }

  async list(kind: EnrollmentKind, limit: number, after?: string): Promise<readonly Enrollment[]> {
    return page(this.#enrollments[kind], limit, after)
  }

  async insert(enrollment: Enrollment, max: number): Promise<'inserted' | 'taken' | 'full'> {
    const all = this.#enrollments[enrollment.kind]
    const key = enrollment.id.toLowerCase()
    if (all.has(key)) return 'taken'
    if (all.size >= max) return 'full'
    all.set(key, enrollment)
    return 'inserted'
  }

  async replace(enrollment: Enrollment, etag: string): Promise<boolean> {
    const all = this.#enrollments[enrollment.kind]
    const key = enrollment.id.toLowerCase()
    if (all.get(key)?.etag !== etag) return false
    all.set(key, enrollment)
    return true
  }

  async remove(kind: EnrollmentKind, id: string, etag: string): Promise<boolean> {
    const key = id.toLowerCase()
    if (this.#enrollments[kind].get(key)?.etag !== etag) return false
    this.#enrollments[kind].delete(key)
    for (const [name, registration] of this.#registrations) {
      if (isOf(registration, { kind, id })) this.#registrations.delete(name)
    }
    return true
  }

  async findRegistration(registrationId: string): Promise<Registration | undefined> {
    return this.#registrations.get(registrationId.toLowerCase())
  }

  async saveRegistration(registration: Registration): Promise<boolean> {
    const { kind, id } = registration.enrollment
    if (!this.#enrollments[kind].has(id.toLowerCase())) return false
    this.#registrations.set(registration.registrationId.toLowerCase(), registration)
    return true
  }

  async removeRegistration(registrationId: string, etag: string): Promise<boolean> {
    const key = registrationId.toLowerCase()
    return this.#registrations.get(key)?.etag === etag && this.#registrations.delete(key)
  }

  async listRegistrations(
    enrollment: Pick<Enrollment, 'kind' | 'id'>,
    limit: number,
    after?: string,
  ): Promise<readonly Registration[]> {
    const own = [...this.#registrations].filter(([, value]) => isOf(value, enrollment))
    return page(new Map(own), limit, after)
  }
}

function isOf(
  { enrollment }: Registration,
  { kind, id }: Pick<Enrollment, 'kind' | 'id'>,
): boolean {
  return enrollment.kind === kind && enrollment.id.toLowerCase() === id.toLowerCase()
}

function page<T>(all: ReadonlyMap<string, T>, limit: number, after = ''): readonly T[] {
  return [...all]
    .filter(([key]) => key > after.toLowerCase())
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([, value]) => value)
}

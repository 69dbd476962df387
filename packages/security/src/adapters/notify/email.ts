import { createTransport, type Transporter } from 'nodemailer'
import type { EmailSettings } from '../../notifications/channel.ts'
import type { Delivery } from '../../notifications/delivery.ts'
import { emailText } from '../../notifications/email-text.ts'
import { ATTEMPT_TIMEOUT_MS, MAX_DIGEST } from '../../notifications/limits.ts'
import type { SendFailure, Transport } from '../../notifications/transport.ts'
import { reasonOf } from './reason.ts'
import { unlessClosed } from './unless-closed.ts'

/** Sends what there is as one message over SMTP, at most one in `digestSeconds`. */
export class EmailTransport implements Transport {
  readonly batch = MAX_DIGEST
  readonly pauseMs: number
  readonly #settings: EmailSettings
  readonly #smtp: Transporter
  readonly #closing = new AbortController()

  constructor(settings: EmailSettings) {
    const { host, port, security, username, password, ca } = settings
    this.#settings = settings
    this.pauseMs = settings.digestSeconds * 1_000
    this.#smtp = createTransport({
      ...{ host, port },
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(username !== undefined && { auth: { user: username, pass: password ?? '' } }),
      tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
      connectionTimeout: ATTEMPT_TIMEOUT_MS,
      greetingTimeout: ATTEMPT_TIMEOUT_MS,
      socketTimeout: ATTEMPT_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  async send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    const [first] = deliveries
    if (!first) return []
    const { from, to } = this.#settings
    const failure = await this.#mail({
      ...emailText(deliveries),
      from,
      to: [...to],
      // The same in each attempt at the same notifications, so that a mailbox can tell.
      messageId: `<${first.id}@twinward>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Twinward-Delivery': first.id },
    })
    return deliveries.map(() => failure)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#smtp.close()
  }

  async #mail(message: Parameters<Transporter['sendMail']>[0]): Promise<SendFailure | undefined> {
    const timeout = AbortSignal.timeout(2 * ATTEMPT_TIMEOUT_MS)
    const late = new Promise<SendFailure>((resolve) => {
      timeout.addEventListener('abort', () => resolve({ reason: 'the mail server is too slow' }))
    })
    const { signal } = this.#closing
    const sending = async () => {
      if (!signal.aborted) await this.#smtp.sendMail(message)
    }
    const sent = unlessClosed(signal, sending()).then(
      () => undefined,
      (error: unknown): SendFailure => ({ reason: reasonOf(error) }),
    )
    return Promise.race([sent, late])
  }
}

import type { Channel } from '../../notifications/channel.ts'
import { MAX_DIGEST, MAX_TOGETHER } from '../../notifications/limits.ts'
import type { OpenTransport, Transport } from '../../notifications/transport.ts'
import { LateTransport } from './late.ts'
import { SyslogTransport } from './syslog.ts'
import { WebhookTransport } from './webhook.ts'

/** @param version  of this program, as receivers are told */
export function transportsOf(version: string): OpenTransport {
  return (channel: Channel): Transport => {
    switch (channel.kind) {
      case 'webhook':
        return new WebhookTransport(channel.settings, version)
      case 'syslog':
        return new SyslogTransport(channel.settings, version)
      case 'email': {
        const { settings } = channel
        const { digestSeconds } = settings
        return new LateTransport(
          { batch: MAX_DIGEST, pauseMs: digestSeconds * 1_000 },
          async () => new (await import('./email.ts')).EmailTransport(settings),
        )
      }
      case 'nats': {
        const { settings } = channel
        const open = async () => new (await import('./nats.ts')).NatsTransport(settings)
        return new LateTransport({ batch: MAX_TOGETHER, pauseMs: 0 }, open)
      }
    }
  }
}

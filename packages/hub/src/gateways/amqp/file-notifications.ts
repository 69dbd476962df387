import type { Link } from './link.ts'
import { OutgoingLink } from './outgoing-link.ts'

/**
 * Notifications of file uploads (04 §9). The hub stores no files, so there are none: the link stays
 * open and nothing comes.
 */
export function serveFileNotifications(link: Link): void {
  if (link instanceof OutgoingLink) link.accept({})
}

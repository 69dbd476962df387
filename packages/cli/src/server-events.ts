/** One server-sent event. */
export interface ServerEvent {
  readonly id: string
  readonly name: string
  readonly data: string
}

/** A line of a stream may be so long; ours have at most about half of it. */
const MAX_LINE_CHARACTERS = 2 * 1024 * 1024

/** The events of a stream (text/event-stream); comments are passed over. */
export async function* readServerEvents(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let fields: Record<string, string> = {}
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true })
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('The stream is not one of events.')
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line !== '') {
        const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
        if (name !== '') fields = { ...fields, [name]: value }
      } else {
        const { id = '', event = 'message', data } = fields
        fields = {}
        if (data !== undefined) yield { id, name: event, data }
      }
    }
  }
}

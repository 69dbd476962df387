import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { HubError } from '@twinward/protocol'
import type {
  Exchange,
  ExchangeContainer,
  ExchangeReader,
  ExchangeWriter,
} from '../../registry/exchange.ts'

/** Where files are before they are complete; emptied at each start. */
const PARTIAL = '.partial'
const READ_BYTES = 64 * 1024
const MAX_NAME_BYTES = 255

/**
 * Files of import and export jobs in folders of this machine. Containers are `file:` URLs of this
 * folder or of folders below it, after links are followed; nothing else of the machine is in reach.
 */
export class ExchangeFolder implements Exchange {
  readonly #root: string

  private constructor(root: string) {
    this.#root = root
  }

  /** Makes the folder, for this user only, when it is missing. */
  static async open(path: string): Promise<ExchangeFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const root = await realpath(path)
    await rm(join(root, PARTIAL), { recursive: true, force: true })
    await mkdir(join(root, PARTIAL), { mode: 0o700 })
    return new ExchangeFolder(root)
  }

  async open(containerUri: string): Promise<ExchangeContainer> {
    const folder = await this.#resolve(containerUri)
    return {
      read: (name) => this.#read(folder, name),
      write: (name) => this.#write(folder, name),
    }
  }

  async #resolve(containerUri: string): Promise<string> {
    const path = pathOf(containerUri)
    if (path === undefined) throw this.#refusal()
    let folder: string
    try {
      folder = await realpath(path)
      if (!(await stat(folder)).isDirectory()) throw this.#refusal()
    } catch (error) {
      if (error instanceof HubError) throw error
      throw this.#refusal(' The folder must exist.')
    }
    const below = relative(this.#root, folder)
    const segments = below === '' ? [] : below.split(sep)
    if (segments.some((segment) => segment.startsWith('.'))) throw this.#refusal()
    return folder
  }

  async #read(folder: string, name: string): Promise<ExchangeReader> {
    checkName(name)
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    const what = `${name} cannot be read`
    const file = await told(what, open(join(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
    const stats = await told(what, file.stat())
    if (!stats.isFile()) {
      await file.close()
      throw invalid(`${what}: it is no file.`)
    }
    return {
      sizeBytes: stats.size,
      chunks: () => readChunks(file, what),
      close: () => file.close(),
    }
  }

  async #write(folder: string, name: string): Promise<ExchangeWriter> {
    checkName(name)
    const what = `${name} cannot be written`
    const partial = join(this.#root, PARTIAL, randomUUID())
    const file = await told(what, open(partial, 'wx', 0o600))
    let isOpen = true
    return {
      append: (text) => told(what, file.appendFile(text)),
      async commit() {
        await told(what, file.sync())
        isOpen = false
        await told(what, file.close())
        await told(what, rename(partial, join(folder, name)))
        await told(what, syncFolder(folder))
      },
      async discard() {
        if (isOpen) await file.close()
        isOpen = false
        await rm(partial, { force: true })
      },
    }
  }

  #refusal(hint = ''): HubError {
    const url = pathToFileURL(this.#root).href
    return invalid(
      `Import and export work on this machine only: give the URL of a folder at or below ${url}.${hint}`,
    )
  }
}

/** `undefined` for what is no `file:` URL of this machine. */
function pathOf(uri: string): string | undefined {
  try {
    const url = new URL(uri)
    if (url.protocol !== 'file:') return undefined
    // Storage URLs often end with a signature; a folder needs none.
    url.search = ''
    url.hash = ''
    return fileURLToPath(url)
  } catch {
    return undefined
  }
}

/** A plain name: with neither a folder in it nor a dot before it. */
function checkName(name: string): void {
  const isPlain = /^[^./\\\0][^/\\\0]*$/.test(name) && Buffer.byteLength(name) <= MAX_NAME_BYTES
  if (isPlain) return
  throw invalid(`'${name.slice(0, 64)}' is not a plain file name.`)
}

async function* readChunks(file: FileHandle, what: string): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const { bytesRead } = await told(what, file.read(buffer, 0, READ_BYTES, null))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** An error of the file system, without its path. */
async function told<T>(what: string, done: Promise<T>): Promise<T> {
  try {
    return await done
  } catch (error) {
    const { code = 'unknown error' } = error as { code?: string }
    throw invalid(`${what} (${code}).`, error)
  }
}

function invalid(message: string, cause?: unknown): HubError {
  return new HubError('BlobContainerValidationError', message, { cause })
}

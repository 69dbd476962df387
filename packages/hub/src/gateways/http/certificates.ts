import { HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { readCertificate } from '../../registry/certificate.ts'
import type { RegisteredCertificate } from '../../registry/certificate-store.ts'
import { formatIdentityEtag } from '../../twins/etag.ts'
import { audited } from './audited.ts'
import { authorize } from './authorize.ts'
import { ifMatch } from './conditions.ts'

const Params = Type.Object({ name: Type.String() })
/** Four characters for three bytes, twice where PEM is encoded once more, and room for line ends. */
const Certificate = Type.String({ minLength: 1, maxLength: 64 * 1024 })

const CertificateBody = Type.Object({
  properties: Type.Object({
    certificate: Certificate,
    isVerified: Type.Optional(Type.Boolean()),
  }),
})
const ProofBody = Type.Object({ certificate: Certificate })

interface CertificateRoute {
  Params: Static<typeof Params>
}

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * `/api/certificates`: the registered CAs, in the shape that Azure Resource Manager has for an IoT
 * Hub's. IoT Hub itself has no such routes, so these need no api-version.
 */
export function certificateRoutes(app: FastifyInstance, hub: Hub): void {
  const { certificates } = hub
  const read = authorize(hub.authenticator, 'RegistryRead')
  const write = authorize(hub.authenticator, 'RegistryWrite')
  const tags = ['certificates']
  const schema = (summary: string) => ({ tags, summary, params: Params })
  const send = (reply: FastifyReply, certificate: RegisteredCertificate) => {
    reply.header('etag', `"${formatIdentityEtag(certificate.etag)}"`)
    return certificateView(certificate)
  }

  app.get(
    '/api/certificates',
    { onRequest: read, schema: { tags, summary: 'List the registered CAs' } },
    async () => ({ value: (await certificates.list()).map(certificateView) }),
  )

  app.get<CertificateRoute>(
    '/api/certificates/:name',
    { onRequest: read, schema: schema('Get a registered CA') },
    async ({ params }, reply) => send(reply, await certificates.get(params.name)),
  )

  app.put<CertificateRoute & { Body: Static<typeof CertificateBody> }>(
    '/api/certificates/:name',
    {
      onRequest: write,
      schema: { ...schema('Register a CA, or replace it with If-Match'), body: CertificateBody },
    },
    async (request, reply) => {
      const { certificate, isVerified = false } = request.body.properties
      const { name } = request.params
      const put = async () =>
        certificates.put(name, { raw: readDer(certificate), isVerified }, ifMatch(request))
      return send(reply, await audited(hub, request, { kind: 'ca.add', subject: name }, put))
    },
  )

  app.delete<CertificateRoute>(
    '/api/certificates/:name',
    { onRequest: write, schema: schema('Forget a CA') },
    async (request, reply) => {
      const { name } = request.params
      const remove = () => certificates.remove(name, ifMatch(request))
      await audited(hub, request, { kind: 'ca.delete', subject: name }, remove)
      return reply.code(204).send()
    },
  )

  // The code is shown here only, as by Azure.
  app.post<CertificateRoute>(
    '/api/certificates/:name/generateVerificationCode',
    { onRequest: write, schema: schema('Make a code for the proof of possession') },
    async (request, reply) => {
      const certificate = await certificates.requestProof(request.params.name, ifMatch(request))
      const view = send(reply, certificate)
      const { verificationCode } = certificate
      return { ...view, properties: { ...view.properties, verificationCode } }
    },
  )

  app.post<CertificateRoute & { Body: Static<typeof ProofBody> }>(
    '/api/certificates/:name/verify',
    {
      onRequest: write,
      schema: { ...schema('Prove possession of a CA'), body: ProofBody },
    },
    async (
      request: FastifyRequest<CertificateRoute & { Body: Static<typeof ProofBody> }>,
      reply,
    ) => {
      const proof = readDer(request.body.certificate)
      return send(reply, await certificates.verify(request.params.name, proof, ifMatch(request)))
    },
  )
}

function certificateView(registered: RegisteredCertificate) {
  const { name, etag, raw, isVerified, createdMs, updatedMs } = registered
  const certificate = readCertificate(raw)
  return {
    name,
    etag: formatIdentityEtag(etag),
    type: 'Microsoft.Devices/IotHubs/Certificates',
    properties: {
      subject: certificate?.x509.subject.replaceAll('\n', ', ') ?? '',
      expiry: formatDate(certificate?.notAfterMs ?? Number.NaN),
      thumbprint: certificate?.sha1.toUpperCase() ?? '',
      isVerified,
      created: formatDate(createdMs),
      updated: formatDate(updatedMs),
      certificate: Buffer.from(raw).toString('base64'),
    } satisfies JsonObject,
  }
}

/** `Sat, 31 Oct 2026 20:59:35 GMT`, as Azure Resource Manager writes these. */
function formatDate(timeMs: number): string {
  return Number.isNaN(timeMs) ? '' : new Date(timeMs).toUTCString()
}

/** PEM, or base64 of DER, or base64 of PEM: Azure's tools send all three. */
export function readDer(text: string): Uint8Array {
  const der = derOfPem(text) ?? derOfBase64(text)
  if (der) return der
  throw new HubError('ArgumentInvalid', 'certificate: expected one certificate as PEM or base64.')
}

function derOfPem(text: string): Uint8Array | undefined {
  const [first, ...others] = [...text.matchAll(PEM)]
  return first && others.length === 0 ? Buffer.from(first[1] ?? '', 'base64') : undefined
}

function derOfBase64(text: string): Uint8Array | undefined {
  const bare = text.replace(/\s/g, '')
  if (!BASE64.test(bare)) return undefined
  const bytes = Buffer.from(bare, 'base64')
  return bytes[0] === SEQUENCE ? bytes : derOfPem(bytes.toString('latin1'))
}

/** The first byte of every certificate in DER. */
const SEQUENCE = 0x30

import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { hubErrors } from '@twinward/protocol'

/** The OpenAPI document's own words; routes bring theirs. `version` is the server's. */
export function openApi(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Twinward',
        version,
        description: 'IoT Hub’s service API, and the security API.',
      },
      components: {
        securitySchemes: {
          sas: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: 'SharedAccessSignature of a shared access policy',
          },
        },
        responses: { Error: ERROR },
      },
      security: [{ sas: [] }],
    },
    transformObject: (documentObject) => {
      if (!('openapiObject' in documentObject)) return documentObject.swaggerObject
      const { openapiObject } = documentObject
      for (const path of Object.values(openapiObject.paths ?? {})) {
        for (const operation of Object.values(path ?? {})) addErrors(operation)
      }
      return openapiObject
    },
  }
}

function addErrors(operation: unknown): void {
  if (typeof operation !== 'object' || operation === null || !('responses' in operation)) return
  const { responses } = operation
  Object.assign(responses as object, { default: { $ref: '#/components/responses/Error' } })
}

const text = { type: 'string' } as const

/** Every error of every route (00 §4): the status says the class, the header the code. */
const ERROR = {
  description: 'Refused, or failed. The status is that of the code in iothub-errorcode.',
  headers: {
    'iothub-errorcode': {
      description: 'The error’s name',
      schema: { type: 'string' as const, enum: Object.keys(hubErrors) },
    },
    'x-ms-request-id': {
      description: 'Names the request in the server’s log',
      schema: { type: 'string' as const, format: 'uuid' },
    },
  },
  content: {
    'application/json': {
      schema: {
        oneOf: [
          {
            type: 'object' as const,
            description:
              'Most errors: ErrorCode:{name};{text}. Of direct methods: JSON in Message.',
            required: ['Message', 'ExceptionMessage'],
            properties: { Message: text, ExceptionMessage: text },
          },
          {
            type: 'object' as const,
            description: 'A module that exists already, and all errors of the provisioning service',
            required: ['errorCode', 'message', 'trackingId', 'timestampUtc'],
            properties: {
              errorCode: { type: 'integer' as const },
              message: text,
              trackingId: text,
              timestampUtc: { type: 'string' as const, format: 'date-time' },
            },
          },
        ],
      },
    },
  },
}

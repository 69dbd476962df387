import { certificateStoreContract } from '../../../test/contracts/certificate-store.ts'
import { MemoryCertificates } from './certificates.ts'

certificateStoreContract(async () => new MemoryCertificates())

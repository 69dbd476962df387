import { notificationStoreContract } from '../../../test/contracts/notification-store.ts'
import { MemoryNotificationStore } from './notification-store.ts'

notificationStoreContract(async () => new MemoryNotificationStore())

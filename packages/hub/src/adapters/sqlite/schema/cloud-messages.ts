/** Cloud-to-device messages and feedback. */
export const createCloudMessages = 'SELECT 1'

/** History and switches of recommendations. */
export const extendRecommendations = 'SELECT 1'

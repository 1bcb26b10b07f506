// Frames are a package of their own, for not only tests make them; tests find them here, with all else they stand on.
export * from '@portward/frames'

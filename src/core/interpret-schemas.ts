import { z } from 'zod'

// zod writes code for each schema that it meets, which pays where the schema is met thousands of times; a config is read
// once. To be imported before any schema is made.
z.config({ jitless: true })

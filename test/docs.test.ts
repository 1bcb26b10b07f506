// Documents that are written from the code say what the code says.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { FILE, pipelineDoc } from '../script/docs/pipeline.ts'

void test('docs/pipeline.md is what the pipeline is: npm run -s docs', async () => {
  assert.equal(await readFile(FILE, 'utf8'), pipelineDoc())
})

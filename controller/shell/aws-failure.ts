/** What the AWS SDK throws, of whichever service. */
import { z } from 'zod';

const sdkError = z.object({
  name: z.string().optional(),
  message: z.string().optional(),
  code: z.string().optional(),
  Code: z.string().optional(),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional(),
});

/** What the SDK threw, in the terms of `controller/ec2/failure.ts`. */
export function failureOf(error: unknown): { status?: number; code?: string; message: string } {
  const parsed = sdkError.safeParse(error);
  if (!parsed.success) return { message: String(error) };
  const { name, message = '', code, Code, $metadata } = parsed.data;
  const status = $metadata?.httpStatusCode;
  // An answer of success that cannot be read tells nothing.
  if (status !== undefined && status >= 300) return { status, code: Code ?? name ?? '', message };
  return code === undefined ? { message } : { code, message };
}

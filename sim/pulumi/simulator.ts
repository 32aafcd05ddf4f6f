/**
 * The configuration of a stack that is deployed into a simulator: endpoints and credentials for the AWS
 * provider.
 */

/** Keys `aws:...` for a simulator at `url`; `account` has 12 digits and serves as access key. */
export const simulatorConfig = (
  url: string,
  { region, account }: { readonly region: string; readonly account: string },
): Readonly<Record<string, string>> => ({
  'aws:region': region,
  'aws:accessKey': account,
  'aws:secretKey': 'simulated',
  'aws:skipCredentialsValidation': 'true',
  'aws:skipMetadataApiCheck': 'true',
  'aws:endpoints': JSON.stringify([{ ec2: url, iam: url, sts: url }]),
});

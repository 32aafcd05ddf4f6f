/**
 * AWS's managed policies, as far as they concern what is simulated. Any other that is attached permits
 * nothing.
 */

const allow = (...actions: readonly string[]) => ({ Effect: 'Allow', Action: actions, Resource: '*' });

const POLICIES: Readonly<Record<string, readonly object[]>> = {
  AdministratorAccess: [allow('*')],
  PowerUserAccess: [
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
    allow('iam:ListRoles'),
  ],
  AmazonEC2FullAccess: [allow('ec2:*', 'elasticloadbalancing:*')],
  AmazonEC2ReadOnlyAccess: [
    allow('ec2:Describe*', 'ec2:GetSecurityGroupsForVpc', 'elasticloadbalancing:Describe*'),
  ],
  AmazonVPCReadOnlyAccess: [allow('ec2:Describe*', 'ec2:SearchLocalGatewayRoutes')],
  ReadOnlyAccess: [
    allow('ec2:Describe*', 'ec2:Get*', 'ec2:List*', 'ec2:Search*', 'elasticloadbalancing:Describe*'),
    allow('iam:Get*', 'iam:List*', 'directconnect:Describe*', 'dynamodb:DescribeTable', 'dynamodb:GetItem'),
  ],
};

/** The text of a managed policy by its ARN; undefined where it is not one of these. */
export function managedPolicy(arn: string): string | undefined {
  const name = /^arn:aws[\w-]*:iam::aws:policy\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1] ?? '';
  const statements = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
  return statements && JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

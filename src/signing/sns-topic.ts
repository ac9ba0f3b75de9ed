/** `arn:aws:sns:REGION:ACCOUNT:NAME` of the partitions whose hosts are known: AWS, GovCloud and China. */
export const TOPIC_ARN =
  /^arn:(aws|aws-us-gov|aws-cn):sns:([a-z]{2,8}(?:-[a-z]{2,16}){1,3}-\d{1,2}):\d{12}:[A-Za-z0-9_-]{1,256}$/

/**
 * Where the certificates of a topic's region are, up to their own name; `undefined` for what is no topic. SNS signs where
 * the topic is, so that no other region's certificate can be meant.
 */
export function certificatesOf(topic: string): string | undefined {
  const [, partition, region] = TOPIC_ARN.exec(topic) ?? []
  if (region === undefined) return undefined
  return `https://sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}/SimpleNotificationService-`
}

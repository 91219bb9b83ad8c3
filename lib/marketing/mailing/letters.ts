/** The letter as plain text. */
export const TEXT_LETTER = `Dear <%= it.name || "customer" %>,

thank you: in <%= it.period %> you were number <%= it.rank %> among our customers, with £<%= it.spend %>.
We have a small surprise for you on your next visit.

You get this letter because you agreed to. Reply with "stop" and we write no more.
`;

/** The letter as HTML; what is filled in is escaped. */
export const HTML_LETTER = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Thank you</title></head>
<body>
<p>Dear <%= it.name || "customer" %>,</p>
<p>thank you: in <%= it.period %> you were number <%= it.rank %> among our customers, with
£<%= it.spend %>. We have a small surprise for you on your next visit.</p>
<p>You get this letter because you agreed to. Reply with "stop" and we write no more.</p>
</body>
</html>
`;

package engine

import "strings"

// javaClass and javaText are a value's class and text as the engines' messages have them.
func javaClass(n *node) string {
	switch n.kind {
	case isString:
		return "java.lang.String"
	case isBool:
		return "java.lang.Boolean"
	case isArray:
		return "java.util.ArrayList"
	case isNumber:
		if strings.ContainsAny(n.text, ".eE") {
			return "java.lang.Double"
		}
		return "java.lang.Integer"
	case isObject:
		return "java.util.HashMap"
	}
	return "null"
}

// javaText is a value as Java writes maps and lists into messages.
func javaText(n *node) string {
	var b strings.Builder
	writeJava(&b, n)
	return b.String()
}

// longestText bounds what of a value goes into a message.
const longestText = 2000

func writeJava(b *strings.Builder, n *node) {
	if b.Len() > longestText {
		return
	}
	switch n.kind {
	case isArray:
		b.WriteByte('[')
		for i := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			writeJava(b, &n.items[i])
		}
		b.WriteByte(']')
	case isObject:
		b.WriteByte('{')
		for i := range n.members {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(n.members[i].name)
			b.WriteByte('=')
			writeJava(b, &n.members[i].node)
		}
		b.WriteByte('}')
	case isNull:
		b.WriteString("null")
	default:
		b.WriteString(n.text)
	}
}

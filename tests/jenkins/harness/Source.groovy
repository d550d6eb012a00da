// What only the text of a Jenkinsfile shows: how `sh` is quoted, and that steps are steps.
import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.*
import org.codehaus.groovy.control.CompilePhase

class Source extends CodeVisitorSupport {
    static final STEP_BLOCKS = ['steps', 'always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success',
                                'unstable', 'unsuccessful', 'cleanup'] as Set
    final List<String> shells = []
    private final List<String> found = []

    Source(String text) {
        new AstBuilder().buildFromString(CompilePhase.CONVERSION, false, text).findAll { it instanceof Statement }.each {
            it.visit(this)
        }
    }

    List<String> problems() { found }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (call.methodAsString == 'sh') { shell(call) }
        if (call.methodAsString in STEP_BLOCKS) { blocks(call).each { onlySteps(call.methodAsString, it) } }
        if (call.methodAsString == 'environment') { blocks(call).each { onlyValues(it) } }
        super.visitMethodCallExpression(call)
    }

    private shell(MethodCallExpression call) {
        def given = arguments(call)
        def script = given.find { it instanceof MapExpression }?.mapEntryExpressions?.find {
            it.keyExpression.text == 'script'
        }?.valueExpression ?: given.find { !(it instanceof MapExpression) }
        if (script instanceof ConstantExpression) {
            shells << script.value.toString()
        } else {
            found << "line ${call.lineNumber}: sh takes one single-quoted text, Groovy must not fill it in".toString()
        }
    }

    private onlySteps(String block, ClosureExpression body) {
        (body.code as BlockStatement).statements.each {
            if (!(it instanceof ExpressionStatement && it.expression instanceof MethodCallExpression)) {
                found << "line ${it.lineNumber}: only steps may stand in ${block}; Groovy belongs in script".toString()
            }
        }
    }

    private onlyValues(ClosureExpression body) {
        (body.code as BlockStatement).statements.each {
            def value = it instanceof ExpressionStatement && it.expression instanceof BinaryExpression ?
                it.expression.rightExpression : null
            def isCredential = value instanceof MethodCallExpression && value.methodAsString == 'credentials'
            if (!(value instanceof ConstantExpression || value instanceof GStringExpression || isCredential)) {
                found << "line ${it.lineNumber}: environment takes NAME = 'text' or credentials('id')".toString()
            }
        }
    }

    private static List arguments(MethodCallExpression call) {
        call.arguments instanceof TupleExpression ? call.arguments.expressions : [call.arguments]
    }

    private static List blocks(MethodCallExpression call) { arguments(call).findAll { it instanceof ClosureExpression } }
}

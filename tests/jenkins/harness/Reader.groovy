// Reads the blocks of a declarative pipeline into stages; a directive that Jenkins does not know is an error.
import org.codehaus.groovy.control.CompilerConfiguration

class Reader {
    static Pipeline read(String text) {
        def config = new CompilerConfiguration(scriptBaseClass: DelegatingScript.name)
        def script = (DelegatingScript) new GroovyShell(Reader.classLoader, new Binding(), config).parse(text, 'Jenkinsfile')
        def top = new Top()
        script.setDelegate(top)
        script.run()
        top.pipeline
    }

    static void into(Object delegate, Closure body) {
        def copy = (Closure) body.clone()
        copy.delegate = delegate
        copy.resolveStrategy = Closure.DELEGATE_ONLY
        copy()
    }
}

// Where a block stands: unknown words in it are errors that name it.
abstract class Block {
    abstract String getWhere()

    def methodMissing(String name, given) {
        throw new IllegalArgumentException("${where}: Jenkins knows no ${name} there")
    }

    def propertyMissing(String name) { throw new IllegalArgumentException("${where}: ${name} is nothing there") }
}

class Top extends Block {
    Pipeline pipeline
    String getWhere() { 'the file' }

    void pipeline(Closure body) {
        pipeline = new Pipeline()
        Reader.into(pipeline, body)
    }
}

class Options extends Block {
    static final FOR_STAGES = ['timeout', 'retry', 'timestamps', 'skipDefaultCheckout', 'lock'] as Set
    static final FOR_ALL = FOR_STAGES + ['disableConcurrentBuilds', 'buildDiscarder', 'preserveStashes', 'quietPeriod',
                                         'durabilityHint', 'parallelsAlwaysFailFast', 'disableResume']
    final String where
    final Set<String> known
    final Map<String, Object> found = [:]

    Options(String where, Set<String> known) {
        this.where = where
        this.known = known
    }

    Map logRotator(Map given) { given }

    @Override
    def methodMissing(String name, given) {
        if (!(name in known)) { return super.methodMissing(name, given) }
        found[name] = given ? given[0] : true
    }
}

class Named extends Block {
    final String where
    final Set<String> known
    final List<Map> found = []

    Named(String where, List<String> known) {
        this.where = where
        this.known = known as Set
    }

    @Override
    def methodMissing(String name, given) {
        if (!(name in known)) { return super.methodMissing(name, given) }
        found << (given && given[0] instanceof Map ? [kind: name] + given[0] : [kind: name, value: given ? given[0] : null])
        null
    }
}

class Environment extends Block {
    final String where
    final Map<String, Object> found = [:]

    Environment(String where) { this.where = where }

    Map credentials(String id) { [credential: id] }

    void setProperty(String name, Object value) { found[name] = value }
}

// What a pipeline and a stage have in common.
abstract class Part extends Block {
    static final CONDITIONS = ['always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success', 'unstable',
                               'unsuccessful', 'cleanup']
    String label
    boolean hasAgent = false
    Map<String, Object> options = [:]
    Map<String, Object> environment = [:]
    Map<String, Closure> post = [:]
    List<Stage> stages = []

    def getNone() { 'none' }

    def getAny() { 'any' }

    void agent(String word) {
        hasAgent = true
        label = word == 'none' ? null : word
    }

    void agent(Closure body) {
        def found = new Named("${where}, agent", ['label'])
        Reader.into(found, body)
        hasAgent = true
        label = found.found[0].value
    }

    void environment(Closure body) {
        def found = new Environment("${where}, environment")
        Reader.into(found, body)
        environment = found.found
    }

    void post(Closure body) {
        def found = new Named("${where}, post", CONDITIONS)
        Reader.into(found, body)
        post = found.found.collectEntries { [it.kind, it.value] }
    }

    void stages(Closure body) { Reader.into(new Stages("${where}, stages", stages), body) }

    List<String> problems() {
        def names = stages*.name
        names.findAll { names.count(it) > 1 }.unique().collect { "${where}: two stages are named ${it}".toString() } +
            stages.collectMany { it.problems() }
    }
}

class Stages extends Block {
    final String where
    private final List<Stage> into

    Stages(String where, List<Stage> into) {
        this.where = where
        this.into = into
    }

    void stage(String name, Closure body) {
        into << new Stage(name)
        Reader.into(into.last(), body)
    }
}

class Pipeline extends Part {
    List<Map> parameters = []
    List<Map> triggers = []
    String getWhere() { 'pipeline' }

    void options(Closure body) {
        def found = new Options("${where}, options", Options.FOR_ALL)
        Reader.into(found, body)
        options = found.found
    }

    void parameters(Closure body) {
        def found = new Named("${where}, parameters", ['string', 'booleanParam', 'choice', 'text', 'password'])
        Reader.into(found, body)
        parameters = found.found
    }

    void triggers(Closure body) {
        def found = new Named("${where}, triggers", ['cron', 'pollSCM', 'upstream'])
        Reader.into(found, body)
        triggers = found.found
    }

    @Override
    List<String> problems() {
        (hasAgent ? [] : ['pipeline: an agent section is required']) +
            (stages ? [] : ['pipeline: stages are required']) + super.problems()
    }

    Map described() {
        [options: options.keySet(), parameters: parameters, triggers: triggers, stages: stages*.described(),
         agent: label, post: post.keySet()]
    }
}

class Stage extends Part {
    final String name
    Closure when
    Closure steps
    Map<String, Object> input

    Stage(String name) { this.name = name }

    String getWhere() { "stage ${name}" }

    void options(Closure body) {
        def found = new Options("${where}, options", Options.FOR_STAGES)
        Reader.into(found, body)
        options = found.found
    }

    void when(Closure body) { when = body }

    void steps(Closure body) { steps = body }

    void input(Closure body) {
        def found = new Named("${where}, input", ['message', 'id', 'ok', 'submitter', 'submitterParameter', 'parameters'])
        Reader.into(found, body)
        input = found.found.collectEntries { [it.kind, it.value] }
    }

    @Override
    List<String> problems() {
        def both = [steps, stages].count { it }
        (both == 1 ? [] : ["${where}: exactly one of steps and stages is required".toString()]) +
            (input == null || input.message ? [] : ["${where}: input needs a message".toString()]) + super.problems()
    }

    Map described() {
        [name: name, agent: label, input: input, options: options, environment: environment, post: post.keySet(),
         stages: stages*.described()]
    }
}
